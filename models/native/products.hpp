// The layers that are matrix products: 1x1 mixing, linear maps, and convolutions of any other odd size.
#pragma once

#include "gemm.hpp"
#include "mixing.hpp"

namespace invsearch {

// Passes a gradient back through max(0, .), in place, and adds its sums to those of each channel, (F, BLOCK).
inline void rectify_gradient(const float* y, float* dy, Shape shape, bool rectify, float* sums) {
    for (long f = 0; f < shape.channels; ++f)
        for (int part = 0; part < BLOCK; part += LANES) {
            vf sum = sums ? load(sums + f * BLOCK + part) : vf{};
            for (long p = 0; p < shape.pixels(); ++p) {
                const long at = (f * shape.pixels() + p) * BLOCK + part;
                vf gradient = load(dy + at);
                if (rectify) {
                    gradient = load(y + at) > vf{} ? gradient : vf{};
                    store(dy + at, gradient);
                }
                sum += gradient;
            }
            if (sums) store(sums + f * BLOCK + part, sum);
        }
}

// A convolution of any odd size, or a linear map of features, which are channels of one pixel. A 1x1 convolution
// (equation 1.3.4) is one product on the whole image; others work on copies of the shifted image (im2col), a row of
// outputs at a time.
class ProductLayer : public MixingLayer {
    const long kernel, depth;  // Size, and rows of the columns: C kernel^2.
    const long rows, width;    // What is worked on at a time: how often, and pixels.
    const long row, plane;     // Floats of that and of a channel.
    Buffer copies, gradients;  // (depth, width, BLOCK)

    // Calls use(column, pixel) on every pixel of the input that output row i sees, both as offsets in floats.
    template <class Use>
    void each(long i, Use use) const {
        const long pad = kernel / 2;
        for (long k = 0; k < depth; ++k) {
            const long c = k / (kernel * kernel), y = i + k / kernel % kernel - pad, shift = k % kernel - pad;
            for (long x = 0; x < width; ++x) {
                const bool inside = y >= 0 && y < in.height && x + shift >= 0 && x + shift < width;
                use((k * width + x) * BLOCK, inside ? ((c * in.height + y) * width + x + shift) * BLOCK : -1);
            }
        }
    }

    const float* gather(const float* x, long i) {
        if (kernel == 1) return x;
        each(i, [&](long column, long pixel) {
            for (int lane = 0; lane < BLOCK; ++lane) copies.get()[column + lane] = pixel < 0 ? 0 : x[pixel + lane];
        });
        return copies.get();
    }

    void pack() override {}

   public:
    ProductLayer(Shape in_, Shape out_, const Step& step, bool rectify_)
        : MixingLayer(in_, out_, step, rectify_),
          kernel(std::max(1, step.kernel)),
          depth(in.channels * kernel * kernel),
          rows(kernel == 1 ? 1 : in.height),
          width(in.pixels() / rows),
          row(width * BLOCK),
          plane(in.pixels() * BLOCK),
          copies(kernel == 1 ? 0 : depth * row),
          gradients(copies.size()) {}

    void forward(const float* x, float* y, float*) override {
        for (long i = 0; i < rows; ++i)
            product({g, depth, 1}, {gather(x, i), row}, {y + i * row, plane}, out.channels, depth, width * PARTS,
                    {bias.value, false, rectify});
    }

    void backward(const float* x, const float* y, float* dy, float* dx, const float*) override {
        rectify_gradient(y, dy, out, rectify, learned ? bias_lanes.get() : nullptr);
        if (dx && kernel > 1) std::memset(dx, 0, in.floats() * sizeof(float));
        for (long i = 0; i < rows; ++i, dy += row) {
            if (learned)
                dots({dy, plane}, {gather(x, i), row}, {kernel_gradient(), depth, 1}, out.channels, depth,
                     width * PARTS);
            if (!dx) continue;
            product({g, 1, depth}, {dy, plane}, {kernel == 1 ? dx : gradients.get(), row}, depth, out.channels,
                    width * PARTS);
            if (kernel == 1) continue;
            each(i, [&](long column, long pixel) {
                for (int lane = 0; pixel >= 0 && lane < BLOCK; ++lane)
                    dx[pixel + lane] += gradients.get()[column + lane];
            });
        }
    }
};

}  // namespace invsearch
