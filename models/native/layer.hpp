// What a layer of the native program is.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "vector.hpp"

namespace invsearch {

// Of one image's activation; features count as channels of one pixel.
struct Shape {
    long channels, height, width;
    long pixels() const { return height * width; }
    long floats() const { return channels * pixels() * BLOCK; }  // In a block.
};

// Aligned, zeroed memory of a fixed size.
class Buffer {
    struct Free {
        void operator()(float* p) const { std::free(p); }
    };
    std::unique_ptr<float, Free> memory;
    long count = 0;

   public:
    Buffer() = default;
    explicit Buffer(long floats) : count(floats) {
        const std::size_t bytes = (static_cast<std::size_t>(floats) * sizeof(float) + 63) / 64 * 64;
        memory.reset(static_cast<float*>(std::aligned_alloc(64, bytes ? bytes : 64)));
        if (!memory) throw std::bad_alloc();
        clear();
    }
    float* get() const { return memory.get(); }
    long size() const { return count; }
    void clear() { std::memset(memory.get(), 0, static_cast<std::size_t>(count) * sizeof(float)); }
};

// A learned array, its momentum and the gradient of a step.
struct Parameter {
    float* value = nullptr;
    float* momentum = nullptr;
    std::vector<float> gradient;
};

// The arrays of one layer, all of them the caller's.
struct Arrays {
    float* weight;           // Learned, or fixed for a linear map that is not learned.
    float* weight_momentum;  // Null without momentum.
    float* bias;
    float* bias_momentum;
    const float* basis;                          // Of a mixing kernel.
    std::int64_t weights, biases, basis_floats;  // How long they are; 0 for none.
};

// Refuses an array that is not as long as a layer takes it to be: it would be read or written beyond its end.
inline void check_size(const char* what, std::int64_t given, std::int64_t needed) {
    if (given != needed)
        throw std::invalid_argument("a layer's " + std::string(what) + " has " + std::to_string(given) +
                                    " numbers, not " + std::to_string(needed));
}

// Every layer works on one block of 16 images at a time and sums its gradients over the blocks of a step:
// prepare, then forward and backward block by block, then finish.
class Layer {
   public:
    const Shape in, out;
    Layer(Shape in_, Shape out_) : in(in_), out(out_) {
        if (out.channels < 1 || out.height < 1 || out.width < 1)
            throw std::invalid_argument("a layer leaves nothing of an image");
    }
    virtual ~Layer() = default;
    virtual void bind(const Arrays&) {}      // The arrays of the coming steps.
    virtual void prepare() {}                // The learned weights have changed.
    virtual long kept() const { return 0; }  // Floats a block's forward pass keeps for its backward pass.
    // keep is null where no backward pass follows.
    virtual void forward(const float* x, float* y, float* keep) = 0;
    // dx is null where nobody asks for it; the layer may overwrite dy.
    virtual void backward(const float* x, const float* y, float* dy, float* dx, const float* kept) = 0;
    virtual void finish() {}                           // Adds the step's gradients to those of the parameters.
    virtual void collect(std::vector<Parameter*>&) {}  // The learned parameters, in order.
};

}  // namespace invsearch
