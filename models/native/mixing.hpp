// The weights of a layer: the learned array A, the kernel g that it stands for, and their gradients.
#pragma once

#include "layer.hpp"

namespace invsearch {

// g[f][q][u] = sum over i of A[i][f][q] basis[i][f][q][u] (equation 1.5.2; the basis may be the same for all f and q),
// or A itself where there is no basis. Beside it the bias of the outputs f.
class Mixing {
    long pairs, taps, images;  // (f, q) pairs, entries of a kernel, learned weights of a pair or 0 without a basis.
    bool shared;               // One basis for all pairs.
    const float* basis = nullptr;
    std::vector<float> g, dg;

    const float* image(long i, long pair) const { return basis + (shared ? i : i * pairs + pair) * taps; }

   public:
    Parameter weight, bias;

    Mixing(long outputs, long inputs, long taps_, long images_, bool shared_, bool biased = true)
        : pairs(outputs * inputs),
          taps(taps_),
          images(images_),
          shared(shared_),
          g(images ? pairs * taps : 0),
          dg(g.size()) {
        weight.gradient.resize(images ? images * pairs : pairs * taps);
        bias.gradient.resize(biased ? outputs : 0);
    }

    void bind(const Arrays& arrays) {
        check_size("weight", arrays.weights, static_cast<std::int64_t>(weight.gradient.size()));
        check_size("bias", arrays.biases, static_cast<std::int64_t>(bias.gradient.size()));
        check_size("kernel", arrays.basis_floats, images * taps * (shared ? 1 : pairs));
        weight.value = arrays.weight, weight.momentum = arrays.weight_momentum;
        bias.value = arrays.bias, bias.momentum = arrays.bias_momentum;
        basis = arrays.basis;
    }

    // g for the present A.
    const float* expand() {
        if (!images) return weight.value;
        for (long pair = 0; pair < pairs; ++pair)
            for (long tap = 0; tap < taps; ++tap) {
                float sum = 0;
                for (long i = 0; i < images; ++i) sum += weight.value[i * pairs + pair] * image(i, pair)[tap];
                g[pair * taps + tap] = sum;
            }
        return g.data();
    }

    // Where the gradient of g is summed, zero at the start of a step.
    float* kernel_gradient() { return images ? dg.data() : weight.gradient.data(); }

    // Ends a step: the gradient of A from that of g, and of the bias from its sums in each lane, (F, 16).
    void fold(const float* bias_lanes) {
        for (long pair = 0; images && pair < pairs; ++pair)
            for (long i = 0; i < images; ++i) {
                float sum = 0;
                for (long tap = 0; tap < taps; ++tap) sum += dg[pair * taps + tap] * image(i, pair)[tap];
                weight.gradient[i * pairs + pair] += sum;
            }
        std::fill(dg.begin(), dg.end(), 0.0f);
        for (std::size_t f = 0; f < bias.gradient.size(); ++f)
            for (int lane = 0; lane < BLOCK; ++lane) bias.gradient[f] += bias_lanes[f * BLOCK + lane];
    }

    void collect(std::vector<Parameter*>& parameters) {
        parameters.push_back(&weight);
        parameters.push_back(&bias);
    }
};

}  // namespace invsearch
