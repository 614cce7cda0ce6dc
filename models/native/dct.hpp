// Mixing by three DCT images (section 1.5.1.1): the constant, the horizontal and the vertical one.
//
// They are products of two filters, l = (1, 1, 1) and s = (1, 0, -1): l along both axes, s along rows, and s along
// columns. So the inputs are filtered down their columns by both, the outputs' sums along their rows, and between the
// two are matrix products of three weights a pair and pixel:
//
//     y = b + l * (A[0] l' z + A[2] s' z) + s * (A[1] l' z)        ' along columns; the factors of the images are in A
//
// Reversing a filter changes the sign of s alone, so the gradient of z is the same of that of y, with A transposed and
// A[1] and A[2] negated. That of A is inner products of the filtered inputs and the filtered gradient of y.
#pragma once

#include "products.hpp"

namespace invsearch {

class DctLayer : public WeightedLayer {
    static constexpr long CACHE = 66000;  // Floats of the filtered images of a strip; they stay in L2.

    // A as the products read it, with the factors of the images.
    struct Weights {
        long inputs, outputs;
        Buffer levels, slopes;  // (2 inputs, outputs) for l, of l' z and s' z; (inputs, outputs) for s.
        Weights(long inputs_, long outputs_)
            : inputs(inputs_), outputs(outputs_), levels(2 * inputs * outputs), slopes(inputs * outputs) {}
    };

    const long C, F, height, width, row, strip;  // Floats of a row; rows that are worked on at a time.
    float factors[3] = {};                       // Of the images.
    Weights forward_weights, backward_weights;
    Buffer inputs, sums;  // Filtered down columns, (2 channels, strip, width, BLOCK); l and s along rows, the same.
    Buffer level_gradients, slope_gradients;  // Of A before the factors, (F, 2C) and (F, C).

    void bind_basis(const Arrays& arrays) override {
        check_size("kernel", arrays.basis_floats, 27);
        for (int image = 0; image < 3; ++image) {
            const float* kernel = arrays.basis + 9 * image;
            factors[image] = kernel[0];
            for (int i = 0; i < 9; ++i) {
                const int sign = image == 0 ? 1 : 1 - (image == 1 ? i % 3 : i / 3);
                if (!(std::abs(kernel[i] - sign * kernel[0]) <= 1e-5f * std::abs(kernel[0])))
                    throw std::invalid_argument("a layer's kernels are not the DCT images that they should be");
            }
        }
    }

    void read_weights() override {
        for (long f = 0; f < F; ++f)
            for (long q = 0; q < C; ++q) {
                float a[3];
                for (int image = 0; image < 3; ++image)
                    a[image] = factors[image] * weight.value[(image * F + f) * C + q];
                forward_weights.levels.get()[q * F + f] = a[0];
                forward_weights.levels.get()[(C + q) * F + f] = a[2];
                forward_weights.slopes.get()[q * F + f] = a[1];
                backward_weights.levels.get()[f * C + q] = a[0];
                backward_weights.levels.get()[(F + f) * C + q] = -a[2];
                backward_weights.slopes.get()[f * C + q] = -a[1];
            }
    }

    // Filters the columns of so many rows.
    void filter_columns(const float* x, long channels, long first, long count) {
        for (long c = 0; c < channels; ++c)
            for (long i = first; i < first + count; ++i) {
                const float* from = x + (c * height + i) * row;
                float* level = inputs.get() + (c * count + i - first) * row;
                float* slope = level + channels * count * row;
                for (long j = 0; j < row; j += LANES) {
                    const vf above = i ? load(from + j - row) : vf{};
                    const vf below = i + 1 < height ? load(from + j + row) : vf{};
                    store(level + j, above + load(from + j) + below);
                    store(slope + j, above - below);
                }
            }
    }

    // The pixels before and after those of a row, at j floats.
    vf before(const float* pixels, long j) const { return j >= BLOCK ? load(pixels + j - BLOCK) : vf{}; }
    vf after(const float* pixels, long j) const { return j + BLOCK < row ? load(pixels + j + BLOCK) : vf{}; }

    void apply(Weights& weights, const float* x, float* y, const float* biases, bool rectified) {
        const long outputs = weights.outputs;
        for (long first = 0; first < height; first += strip) {
            const long count = std::min(strip, height - first), plane = count * row, vectors = count * width * PARTS;
            filter_columns(x, weights.inputs, first, count);
            float* slopes = sums.get() + outputs * plane;
            product({weights.levels.get(), 1, outputs}, {inputs.get(), plane}, {sums.get(), plane}, outputs,
                    2 * weights.inputs, vectors);
            product({weights.slopes.get(), 1, outputs}, {inputs.get(), plane}, {slopes, plane}, outputs, weights.inputs,
                    vectors);
            for (long f = 0; f < outputs; ++f)
                for (long i = 0; i < count; ++i) {
                    const float *level = sums.get() + f * plane + i * row, *slope = slopes + f * plane + i * row;
                    float* to = y + (f * height + first + i) * row;
                    for (long j = 0; j < row; j += LANES) {
                        const vf sum = splat(biases ? biases[f] : 0.0f) + before(level, j) + load(level + j) +
                                       after(level, j) + (before(slope, j) - after(slope, j));
                        store(to + j, rectified ? relu(sum) : sum);
                    }
                }
        }
    }

   public:
    DctLayer(Shape in_, Shape out_, const Step& step, bool rectify_)
        : WeightedLayer(in_, out_, step, rectify_, 3 * out_.channels * in_.channels),
          C(in.channels),
          F(out.channels),
          height(in.height),
          width(in.width),
          row(width * BLOCK),
          strip(std::clamp<long>(CACHE / (2 * (C + F) * row), 1, height)),
          forward_weights(C, F),
          backward_weights(F, C),
          inputs(2 * std::max(C, F) * strip * row),
          sums(inputs.size()),
          level_gradients(2 * F * C),
          slope_gradients(F * C) {}

    void forward(const float* x, float* y, float*) override { apply(forward_weights, x, y, bias.value, rectify); }

    void backward(const float* x, const float* y, float* dy, float* dx, const float*) override {
        rectify_gradient(y, dy, out, rectify, bias_lanes.get());
        for (long first = 0; first < height; first += strip) {
            const long count = std::min(strip, height - first), plane = count * row, vectors = count * width * PARTS;
            filter_columns(x, C, first, count);
            float* slopes = sums.get() + F * plane;
            for (long f = 0; f < F; ++f)
                for (long i = 0; i < count; ++i) {
                    const float* from = dy + (f * height + first + i) * row;
                    const long to = f * plane + i * row;
                    for (long j = 0; j < row; j += LANES) {
                        store(sums.get() + to + j, before(from, j) + load(from + j) + after(from, j));
                        store(slopes + to + j, after(from, j) - before(from, j));
                    }
                }
            dots({sums.get(), plane}, {inputs.get(), plane}, {level_gradients.get(), 2 * C, 1}, F, 2 * C, vectors);
            dots({slopes, plane}, {inputs.get(), plane}, {slope_gradients.get(), C, 1}, F, C, vectors);
        }
        if (dx) apply(backward_weights, dy, dx, nullptr, false);
    }

    void finish() override {
        for (long f = 0; f < F; ++f)
            for (long q = 0; q < C; ++q) {
                const float sums_of_pair[3] = {level_gradients.get()[f * 2 * C + q], slope_gradients.get()[f * C + q],
                                               level_gradients.get()[f * 2 * C + C + q]};
                for (int image = 0; image < 3; ++image)
                    weight.gradient[(image * F + f) * C + q] += factors[image] * sums_of_pair[image];
            }
        level_gradients.clear(), slope_gradients.clear();
        WeightedLayer::finish();
    }
};

}  // namespace invsearch
