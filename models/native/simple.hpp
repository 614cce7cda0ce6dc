// Layers without weights that no other layer has taken in: ReLU and max pooling.
#pragma once

#include "layer.hpp"
#include "products.hpp"

namespace invsearch {

class Relu : public Layer {
   public:
    explicit Relu(Shape shape) : Layer(shape, shape) {}

    void forward(const float* x, float* y, float*) override {
        for (long i = 0; i < in.floats(); i += LANES) store(y + i, relu(load(x + i)));
    }

    void backward(const float*, const float* y, float* dy, float* dx, const float*) override {
        if (!dx) return;
        rectify_gradient(y, dy, out, true, nullptr);
        std::memcpy(dx, dy, in.floats() * sizeof(float));
    }
};

// 2x2; the last row or column of an odd size is dropped.
class MaxPool : public Layer {
    template <class Use>
    void each(Use use) const {
        for (long c = 0; c < out.channels; ++c)
            for (long i = 0; i < out.height; ++i)
                for (long j = 0; j < out.width; ++j)
                    use(((c * in.height + 2 * i) * in.width + 2 * j) * BLOCK,
                        ((c * out.height + i) * out.width + j) * BLOCK);
    }
    long pixel(int i) const { return (i / 2 * in.width + i % 2) * BLOCK; }

   public:
    MaxPool(Shape in_, Shape out_) : Layer(in_, out_) {}

    void forward(const float* x, float* y, float*) override {
        each([&](long from, long to) {
            for (int part = 0; part < BLOCK; part += LANES) {
                vf best = load(x + from + part);
                for (int i = 1; i < 4; ++i) {
                    const vf other = load(x + from + pixel(i) + part);
                    best = ((other > best) | (other != other)) ? other : best;
                }
                store(y + to + part, best);
            }
        });
    }

    // The first of equal values gets the gradient, as in torch.
    void backward(const float* x, const float* y, float* dy, float* dx, const float*) override {
        if (!dx) return;
        std::memset(dx, 0, in.floats() * sizeof(float));
        each([&](long from, long to) {
            for (int part = 0; part < BLOCK; part += LANES) {
                const vf best = load(y + to + part);
                vi open = vi{} - 1;
                for (int i = 0; i < 4; ++i) {
                    const vi chosen = open & (load(x + from + pixel(i) + part) == best);
                    store(dx + from + pixel(i) + part, chosen ? load(dy + to + part) : vf{});
                    open &= ~chosen;
                }
            }
        });
    }
};

}  // namespace invsearch
