// Layers that are one matrix product: 1x1 mixing, linear maps, and convolutions of any other odd size.
#pragma once

#include <algorithm>
#include <utility>

#include "gemm.hpp"
#include "layer.hpp"
#include "mixing.hpp"

namespace invsearch {

inline void transpose(const float* from, long rows, long columns, float* to) {
    for (long i = 0; i < rows; ++i)
        for (long j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
}

// Passes a gradient back through max(0, .), in place, and adds its sums to those of each channel, (F, 16).
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

// A 1x1 convolution (equation 1.3.4) with its bias and optionally ReLU.
class PointwiseMix : public Layer {
    Mixing mixing;
    const bool rectify;
    Buffer transposed, bias_lanes;  // (C, F) and (F, 16)
    const float* g = nullptr;

   public:
    PointwiseMix(Shape in_, Shape out_, Mixing mixing_, bool rectify_)
        : Layer(in_, out_),
          mixing(std::move(mixing_)),
          rectify(rectify_),
          transposed(in.channels * out.channels),
          bias_lanes(out.channels * BLOCK) {}

    void bind(const Arrays& arrays) override { mixing.bind(arrays); }
    void collect(std::vector<Parameter*>& parameters) override { mixing.collect(parameters); }

    void prepare() override {
        g = mixing.expand();
        transpose(g, out.channels, in.channels, transposed.get());
        bias_lanes.clear();
    }

    void forward(const float* x, float* y, float*) override {
        const long row = in.pixels() * BLOCK;
        const auto multiply = rectify ? product<Ends::rectified> : product<Ends::plain>;
        multiply(transposed.get(), out.channels, x, row, y, row, out.channels, in.channels, in.pixels() * PARTS,
                 mixing.bias.value);
    }

    void backward(const float* x, const float* y, float* dy, float* dx, const float*) override {
        const long row = in.pixels() * BLOCK;
        rectify_gradient(y, dy, out, rectify, bias_lanes.get());
        dots(dy, row, x, row, mixing.kernel_gradient(), in.channels, out.channels, in.channels, in.pixels() * PARTS);
        if (dx) product(g, in.channels, dy, row, dx, row, in.channels, out.channels, in.pixels() * PARTS);
    }

    void finish() override { mixing.fold(bias_lanes.get()); }
};

// A convolution of any odd size by copies of the shifted image (im2col), a row of outputs at a time.
class ColumnsConv : public Layer {
    Mixing mixing;
    const long kernel, depth;                           // Size, and rows of the columns: C kernel^2.
    Buffer transposed, columns, gradients, bias_lanes;  // (depth, F), (depth, W, 16) twice, (F, 16)
    const float* g = nullptr;

    // Calls use(column, pixel) on every pixel of the input that output row `row` sees, both as offsets in floats.
    template <class Use>
    void each(long row, Use use) const {
        const long pad = kernel / 2;
        for (long k = 0; k < depth; ++k) {
            const long c = k / (kernel * kernel), y = row + k / kernel % kernel - pad, shift = k % kernel - pad;
            for (long x = 0; x < in.width; ++x) {
                const bool inside = y >= 0 && y < in.height && x + shift >= 0 && x + shift < in.width;
                use((k * in.width + x) * BLOCK, inside ? ((c * in.height + y) * in.width + x + shift) * BLOCK : -1);
            }
        }
    }

    void gather(const float* x, long row) {
        each(row, [&](long column, long pixel) {
            for (int lane = 0; lane < BLOCK; ++lane) columns.get()[column + lane] = pixel < 0 ? 0 : x[pixel + lane];
        });
    }

   public:
    ColumnsConv(Shape in_, Shape out_, Mixing mixing_, long kernel_)
        : Layer(in_, out_),
          mixing(std::move(mixing_)),
          kernel(kernel_),
          depth(in.channels * kernel * kernel),
          transposed(depth * out.channels),
          columns(depth * in.width * BLOCK),
          gradients(columns.size()),
          bias_lanes(out.channels * BLOCK) {}

    void bind(const Arrays& arrays) override { mixing.bind(arrays); }
    void collect(std::vector<Parameter*>& parameters) override { mixing.collect(parameters); }

    void prepare() override {
        g = mixing.expand();
        transpose(g, out.channels, depth, transposed.get());
        bias_lanes.clear();
    }

    void forward(const float* x, float* y, float*) override {
        const long row = in.width * BLOCK, plane = in.pixels() * BLOCK;
        for (long i = 0; i < in.height; ++i) {
            gather(x, i);
            product(transposed.get(), out.channels, columns.get(), row, y + i * row, plane, out.channels, depth,
                    in.width * PARTS, mixing.bias.value);
        }
    }

    void backward(const float* x, const float* y, float* dy, float* dx, const float*) override {
        const long row = in.width * BLOCK, plane = in.pixels() * BLOCK;
        rectify_gradient(y, dy, out, false, bias_lanes.get());
        if (dx) std::memset(dx, 0, in.floats() * sizeof(float));
        for (long i = 0; i < in.height; ++i) {
            gather(x, i);
            dots(dy + i * row, plane, columns.get(), row, mixing.kernel_gradient(), depth, out.channels, depth,
                 in.width * PARTS);
            if (!dx) continue;
            product(g, depth, dy + i * row, plane, gradients.get(), row, depth, out.channels, in.width * PARTS);
            each(i, [&](long column, long pixel) {
                for (int lane = 0; pixel >= 0 && lane < BLOCK; ++lane)
                    dx[pixel + lane] += gradients.get()[column + lane];
            });
        }
    }

    void finish() override { mixing.fold(bias_lanes.get()); }
};

// A linear map of the features, learned with a bias or fixed without one, and optionally ReLU.
class Dense : public Layer {
    Mixing mixing;
    const bool learned, rectify;
    bool packed = false;
    Buffer transposed, bias_lanes;  // (in, out) and (out, 16)

   public:
    Dense(Shape in_, Shape out_, bool learned_, bool rectify_)
        : Layer(in_, out_),
          mixing(out.channels, in.channels, 1, 0, false, learned_),
          learned(learned_),
          rectify(rectify_),
          transposed(in.channels * out.channels),
          bias_lanes(out.channels * BLOCK) {}

    void bind(const Arrays& arrays) override {
        mixing.bind(arrays);
        packed = false;
    }
    void collect(std::vector<Parameter*>& parameters) override {
        if (learned) mixing.collect(parameters);
    }

    void prepare() override {
        if (learned || !packed) transpose(mixing.weight.value, out.channels, in.channels, transposed.get());
        packed = true;
        bias_lanes.clear();
    }

    void forward(const float* x, float* y, float*) override {
        const auto multiply = rectify ? product<Ends::rectified> : product<Ends::plain>;
        multiply(transposed.get(), out.channels, x, BLOCK, y, BLOCK, out.channels, in.channels, PARTS,
                 mixing.bias.value);
    }

    void backward(const float* x, const float* y, float* dy, float* dx, const float*) override {
        rectify_gradient(y, dy, out, rectify, learned ? bias_lanes.get() : nullptr);
        if (learned) dots(dy, BLOCK, x, BLOCK, mixing.kernel_gradient(), in.channels, out.channels, in.channels, PARTS);
        if (dx) product(mixing.weight.value, in.channels, dy, BLOCK, dx, BLOCK, in.channels, out.channels, PARTS);
    }

    void finish() override {
        if (learned) mixing.fold(bias_lanes.get());
    }
};

}  // namespace invsearch
