// The scattering layer z (equation 1.3.2, J = 1) as a stencil, and its adjoint.
//
// The same numbers as pytorch_wavelets.ScatLayer(biort="near_sym_a", mode="symmetric", magbias=1e-2): columns are
// filtered first, then each 2x2 quad of row-filtered images gives a pooled lowpass and six complex numbers. The
// filters are symmetric and so is the extension, so the linear part is its own adjoint.
#pragma once

#include <algorithm>
#include <vector>

#include "layer.hpp"

namespace invsearch {

class Scatter : public Layer {
    static constexpr int REACH = 3, SUBBANDS = 6;
    static constexpr float SMOOTHING = 1e-2f;
    static constexpr float NOTHING = 9e-12f;  // The root of SMOOTHING^2 and less than this is SMOOTHING in float32.
    static constexpr float SQRT_HALF = 0.70710678118654752f;
    // near_sym_a, from the middle tap outwards; the scaled ones include the 1/sqrt(2) of the quads.
    static constexpr float LOW[3] = {12 / 20.f, 5 / 20.f, -1 / 20.f};
    static constexpr float HIGH[4] = {170 / 280.f, -73 / 280.f, -15 / 280.f, 3 / 280.f};
    static constexpr float LOW_SCALED[3] = {LOW[0] * SQRT_HALF, LOW[1] * SQRT_HALF, LOW[2] * SQRT_HALF};
    static constexpr float HIGH_SCALED[4] = {HIGH[0] * SQRT_HALF, HIGH[1] * SQRT_HALF, HIGH[2] * SQRT_HALF,
                                             HIGH[3] * SQRT_HALF};

    const long height, width;  // Even: an odd size is extended by its last row or column.
    // Where the values at -REACH .. even size + REACH - 1 are: in the input, and in an image of even size.
    std::vector<long> input_rows, input_columns, rows, columns;
    Buffer low, high;  // (height, width, BLOCK), filtered along columns; two rows of it in the backward pass.
    Buffer quads;      // (4, height, width, BLOCK): gradients of the row-filtered images.

    static std::vector<long> reflected(long even, long last) {
        std::vector<long> sources;
        for (long i = -REACH; i < even + REACH; ++i) {
            const long place = ((i % (2 * even)) + 2 * even) % (2 * even);
            sources.push_back(std::min(place < even ? place : 2 * even - 1 - place, last));
        }
        return sources;
    }

    // Filters at the place of x.
    template <int N>
    static ALWAYS_INLINE vf filter(const float (&taps)[N], const vf* x) {
        vf sum = taps[0] * x[0];
        for (int d = 1; d < N; ++d) sum += taps[d] * (x[-d] + x[d]);
        return sum;
    }

    // Calls use(j, place) for the columns j = 0, 2, .. of an image: place(d) is where the value at column j + d is.
    template <class Use>
    ALWAYS_INLINE void each_pair(const std::vector<long>& sources, long inner, Use use) const {
        for (long j = 0; j < width; j += 2) {
            if (j >= REACH && j + 1 + REACH < inner)
                use(j, [j](long d) { return (j + d) * BLOCK; });
            else
                use(j, [&sources, j](long d) { return sources[j + REACH + d] * BLOCK; });
        }
    }

    ALWAYS_INLINE void filter_columns(const float* x, int part) {
        for (long i = 0; i < in.height; ++i) {
            const float* row = x + i * in.width * BLOCK + part;
            float* l = low.get() + i * width * BLOCK + part;
            float* h = high.get() + i * width * BLOCK + part;
            each_pair(input_columns, in.width, [&](long j, auto place) {
                vf value[8];
                for (int d = 0; d < 8; ++d) value[d] = load(row + place(d - REACH));
                for (int odd = 0; odd < 2; ++odd) {
                    store(l + (j + odd) * BLOCK, filter(LOW, value + REACH + odd));
                    store(h + (j + odd) * BLOCK, filter(HIGH, value + REACH + odd));
                }
            });
        }
    }

    // The smoothed magnitude of a subband, and, for the backward pass, its two derivatives.
    static ALWAYS_INLINE void magnitude(vf re, vf im, float* z, float* slopes) {
        const vf power = re * re + im * im, square = power + SMOOTHING * SMOOTHING;
        const vf inverse = inverse_sqrt(square);
        // Exactly 0 where there is nothing: a ReLU that follows would let half of the rounding errors through.
        store(z, power < splat(NOTHING) ? vf{} : square * inverse - SMOOTHING);
        if (!slopes) return;
        store(slopes, re * inverse);
        store(slopes + BLOCK, im * inverse);
    }

   public:
    explicit Scatter(Shape shape)
        : Layer(shape, {7 * shape.channels, (shape.height + 1) / 2, (shape.width + 1) / 2}),
          height(2 * out.height),
          width(2 * out.width),
          input_rows(reflected(height, in.height - 1)),
          input_columns(reflected(width, in.width - 1)),
          rows(reflected(height, height)),
          columns(reflected(width, width)),
          low(height * width * BLOCK),
          high(low.size()),
          quads(4 * low.size()) {}

    long kept() const override { return in.channels * out.pixels() * 2 * SUBBANDS * BLOCK; }

    void forward(const float* x, float* y, float* keep) override {
        for (long c = 0; c < in.channels; ++c)
            for (int part = 0; part < BLOCK; part += LANES) {
                filter_columns(x + c * in.pixels() * BLOCK, part);
                for (long i = 0; i < out.height; ++i) quad_row(i, c, part, y, keep);
            }
    }

   private:
    void quad_row(long i, long c, int part, float* y, float* keep) {
        const long plane = out.pixels() * BLOCK, band = in.channels * plane;
        const float *l[8], *h[8];  // The rows 2i - 3 .. 2i + 4 of the even height.
        for (int d = 0; d < 8; ++d) {
            const long source = input_rows[2 * i + d] * width * BLOCK + part;
            l[d] = low.get() + source, h[d] = high.get() + source;
        }
        for (long j = 0; j < out.width; ++j) {
            vf pooled{}, bands[3][4];  // Of LoHi, HiLo and HiHi: even and odd row, even and odd column of the quad.
            for (int odd = 0; odd < 2; ++odd) {
                const long at = (2 * j + odd) * BLOCK;
                vf a[8], b[8];
                for (int d = 0; d < 8; ++d) a[d] = load(l[d] + at), b[d] = load(h[d] + at);
                pooled += (LOW[0] + LOW[1]) / 4 * (a[3] + a[4]) + (LOW[1] + LOW[2]) / 4 * (a[2] + a[5]) +
                          LOW[2] / 4 * (a[1] + a[6]);
                for (int row = 0; row < 2; ++row) {
                    bands[0][2 * row + odd] = filter(HIGH_SCALED, a + 3 + row);
                    bands[1][2 * row + odd] = filter(LOW_SCALED, b + 3 + row);
                    bands[2][2 * row + odd] = filter(HIGH_SCALED, b + 3 + row);
                }
            }
            float* z = y + c * plane + (i * out.width + j) * BLOCK + part;
            float* slopes =
                keep ? keep + (c * out.pixels() + i * out.width + j) * 2 * SUBBANDS * BLOCK + part : nullptr;
            store(z, pooled);
            // 15 and 165 degrees from LoHi, 75 and 105 from HiLo, 45 and 135 from HiHi.
            for (int k = 0; k < 3; ++k) {
                const vf* q = bands[k];
                const int first = FIRST[k], second = SUBBANDS - 1 - first;
                magnitude(q[0] - q[3], q[1] + q[2], z + (1 + first) * band, keep ? slopes + 2 * first * BLOCK : keep);
                magnitude(q[0] + q[3], q[1] - q[2], z + (1 + second) * band, keep ? slopes + 2 * second * BLOCK : keep);
            }
        }
    }

    void backward(const float*, const float*, float* dy, float* dx, const float* kept) override {
        if (!dx) return;
        for (long c = 0; c < in.channels; ++c)
            for (int part = 0; part < BLOCK; part += LANES) {
                spread(c, part, dy, kept);
                for (long i = 0; i < out.height; ++i) {
                    filter_rows(i, part);
                    for (long row = 2 * i; row < 2 * i + 2; ++row) add_row(row, c, part, dx);
                }
            }
    }

    static constexpr int FIRST[3] = {0, 2, 1};  // The subband of each image's first complex number.

    // The gradients of the row-filtered images, from those of z.
    void spread(long c, int part, const float* dy, const float* kept) {
        const long plane = out.pixels() * BLOCK, band = in.channels * plane, image = height * width * BLOCK;
        for (long i = 0; i < out.height; ++i)
            for (long j = 0; j < out.width; ++j) {
                const float* dz = dy + c * plane + (i * out.width + j) * BLOCK + part;
                const float* slopes = kept + ((c * out.pixels() + i * out.width + j) * 2 * SUBBANDS) * BLOCK + part;
                float* quad = quads.get() + (2 * i * width + 2 * j) * BLOCK + part;
                const vf lowpass = load(dz) * splat(0.25f);
                const long places[4] = {0, BLOCK, width * BLOCK, (width + 1) * BLOCK};
                store(quad, lowpass);
                for (int k = 0; k < 3; ++k) {
                    const int first = FIRST[k], second = SUBBANDS - 1 - first;
                    const vf g1 = load(dz + (1 + first) * band), g2 = load(dz + (1 + second) * band);
                    const vf re1 = g1 * load(slopes + 2 * first * BLOCK),
                             im1 = g1 * load(slopes + (2 * first + 1) * BLOCK);
                    const vf re2 = g2 * load(slopes + 2 * second * BLOCK),
                             im2 = g2 * load(slopes + (2 * second + 1) * BLOCK);
                    float* target = quad + (k + 1) * image;
                    store(target + places[0], re1 + re2);
                    store(target + places[1], im1 + im2);
                    store(target + places[2], im1 - im2);
                    store(target + places[3], re2 - re1);
                }
            }
    }

    // Rows 2i and 2i + 1 of the column-filtered images' gradients, into the first two rows of low and high.
    void filter_rows(long i, int part) {
        const long image = height * width * BLOCK;
        const float* source[8];
        for (int d = 0; d < 8; ++d) source[d] = quads.get() + rows[2 * i + d] * width * BLOCK + part;
        // The lowpass's gradient is the same all over a quad and stored at its first pixel.
        const float* lowpass[3];
        for (int d = 0; d < 3; ++d) lowpass[d] = quads.get() + rows[2 * i + 1 + 2 * d] / 2 * 2 * width * BLOCK + part;
        for (long j = 0; j < width; j += 2) {
            const vf above = load(lowpass[0] + j * BLOCK), here = load(lowpass[1] + j * BLOCK),
                     below = load(lowpass[2] + j * BLOCK);
            const vf pooled[2] = {(LOW[1] + LOW[2]) * above + (LOW[0] + LOW[1]) * here + LOW[2] * below,
                                  LOW[2] * above + (LOW[0] + LOW[1]) * here + (LOW[1] + LOW[2]) * below};
            for (long column = j; column < j + 2; ++column) {
                vf bands[3][8];
                for (int k = 0; k < 3; ++k)
                    for (int d = 0; d < 8; ++d) bands[k][d] = load(source[d] + (k + 1) * image + column * BLOCK);
                for (int row = 0; row < 2; ++row) {
                    const long at = (row * width + column) * BLOCK + part;
                    store(low.get() + at, pooled[row] + filter(HIGH_SCALED, bands[0] + 3 + row));
                    store(high.get() + at,
                          filter(LOW_SCALED, bands[1] + 3 + row) + filter(HIGH_SCALED, bands[2] + 3 + row));
                }
            }
        }
    }

    // Row i of dx from there, back through the column filters. What extended an odd size adds to its source.
    void add_row(long i, long c, int part, float* dx) {
        float* target = dx + (c * in.height + std::min(i, in.height - 1)) * in.width * BLOCK + part;
        const float* l = low.get() + i % 2 * width * BLOCK + part;
        const float* h = high.get() + i % 2 * width * BLOCK + part;
        each_pair(columns, width, [&](long j, auto place) {
            vf a[8], b[8];
            for (int d = 0; d < 8; ++d) a[d] = load(l + place(d - REACH)), b[d] = load(h + place(d - REACH));
            for (int odd = 0; odd < 2; ++odd) {
                vf value = filter(LOW, a + REACH + odd) + filter(HIGH, b + REACH + odd);
                float* pixel = target + std::min(j + odd, in.width - 1) * BLOCK;
                if (i >= in.height || j + odd >= in.width) value += load(pixel);
                store(pixel, value);
            }
        });
    }
};

}  // namespace invsearch
