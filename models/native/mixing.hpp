// What layers with learned weights share: the array A and the bias, and the kernel g that A may stand for.
#pragma once

#include "layer.hpp"

namespace invsearch {

// A layer with an array A and the bias of its outputs f. A linear map may be fixed; it has no bias then.
class WeightedLayer : public Layer {
    bool packed = false;

   protected:
    const bool learned, rectify;  // Whether A is learned; whether ReLU ends the layer.
    Parameter weight, bias;
    Buffer bias_lanes;  // Sums of the bias's gradient in each lane, (F, BLOCK).

    WeightedLayer(Shape in_, Shape out_, const Step& step, bool rectify_, long weights)
        : Layer(in_, out_),
          learned(step.kind == static_cast<std::int32_t>(Kind::conv) || step.learned),
          rectify(rectify_),
          bias_lanes(out.channels * BLOCK) {
        weight.gradient.resize(weights);
        bias.gradient.resize(learned ? out.channels : 0);
    }

    virtual void bind_basis(const Arrays&) = 0;  // The fixed kernels that A multiplies.
    virtual void read_weights() = 0;             // A has changed.

   public:
    void bind(const Arrays& arrays) override {
        check_size("weight", arrays.weights, static_cast<std::int64_t>(weight.gradient.size()));
        check_size("bias", arrays.biases, static_cast<std::int64_t>(bias.gradient.size()));
        weight.value = arrays.weight, weight.momentum = arrays.weight_momentum;
        bias.value = arrays.bias, bias.momentum = arrays.bias_momentum;
        bind_basis(arrays);
        packed = false;
    }

    void prepare() override {
        if (learned || !packed) read_weights();
        packed = true;
        bias_lanes.clear();
    }

    // The gradient of the bias from its lanes.
    void finish() override {
        for (std::size_t f = 0; f < bias.gradient.size(); ++f)
            for (int lane = 0; lane < BLOCK; ++lane) bias.gradient[f] += bias_lanes.get()[f * BLOCK + lane];
    }

    void collect(std::vector<Parameter*>& parameters) override {
        if (learned) parameters.insert(parameters.end(), {&weight, &bias});
    }
};

// A convolution or a linear map with the kernel
//
//     g[f][q][u] = sum over i of A[i][f][q] basis[i][f][q][u]
//
// (equation 1.5.2; the basis may be the same for all f and q), or A itself where there is no basis.
class MixingLayer : public WeightedLayer {
    const long pairs, taps,
        images;         // (f, q) pairs, entries of a kernel, learned weights of a pair or 0 without a basis.
    const bool shared;  // One basis for all pairs.
    const float* basis = nullptr;
    std::vector<float> expanded, dg;  // g and its gradient, where there is a basis.

    const float* image(long i, long pair) const { return basis + (shared ? i : i * pairs + pair) * taps; }

    // g for the present A.
    const float* expand() {
        if (!images) return weight.value;
        for (long pair = 0; pair < pairs; ++pair)
            for (long tap = 0; tap < taps; ++tap) {
                float sum = 0;
                for (long i = 0; i < images; ++i) sum += weight.value[i * pairs + pair] * image(i, pair)[tap];
                expanded[pair * taps + tap] = sum;
            }
        return expanded.data();
    }

    void bind_basis(const Arrays& arrays) override {
        check_size("kernel", arrays.basis_floats, images * taps * (shared ? 1 : pairs));
        basis = arrays.basis;
    }

    void read_weights() override {
        g = expand();
        pack();
    }

   protected:
    const float* g = nullptr;

    MixingLayer(Shape in_, Shape out_, const Step& step, bool rectify_)
        : WeightedLayer(
              in_, out_, step, rectify_,
              out_.channels * in_.channels * (step.images ? step.images : std::max(1, step.kernel * step.kernel))),
          pairs(out.channels * in.channels),
          taps(std::max(1, step.kernel * step.kernel)),
          images(step.images),
          shared(step.shared),
          expanded(images ? pairs * taps : 0),
          dg(expanded.size()) {}

    virtual void pack() = 0;  // Puts g in the order in which the layer reads it.

    // Where the gradient of g is summed, zero at the start of a step.
    float* kernel_gradient() { return images ? dg.data() : weight.gradient.data(); }

   public:
    // The gradient of A from that of g.
    void finish() override {
        for (long pair = 0; images && pair < pairs; ++pair)
            for (long i = 0; i < images; ++i) {
                float sum = 0;
                for (long tap = 0; tap < taps; ++tap) sum += dg[pair * taps + tap] * image(i, pair)[tap];
                weight.gradient[i * pairs + pair] += sum;
            }
        std::fill(dg.begin(), dg.end(), 0.0f);
        WeightedLayer::finish();
    }
};

}  // namespace invsearch
