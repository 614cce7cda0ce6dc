// What a layer of the native program is.
#pragma once

#include <algorithm>
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
    static constexpr int LINE = 16;
    struct alignas(64) Line {
        float floats[LINE];
    };
    std::vector<Line> lines;

   public:
    explicit Buffer(long floats = 0) : lines((floats + LINE - 1) / LINE) {}
    float* get() { return reinterpret_cast<float*>(lines.data()); }
    long size() const { return static_cast<long>(lines.size()) * LINE; }
    void clear() { std::fill(lines.begin(), lines.end(), Line{}); }
};

// A learned array, its momentum and the gradient of a step.
struct Parameter {
    float* value = nullptr;
    float* momentum = nullptr;
    std::vector<float> gradient;
};

enum class Kind : std::int32_t { conv, scatter, relu, max_pool, linear };

// What is known of the basis of a 3x3 mixing, which then is not computed as a dense convolution.
enum class Form : std::int32_t { any, impulse, gaussian, dct };

// One layer of the description, as the caller gives it.
struct Step {
    std::int32_t kind;
    std::int32_t outputs;  // Channels or features, of a convolution or linear map.
    std::int32_t kernel;   // Size of a convolution; odd.
    std::int32_t images;   // Basis images of each kernel, 0 for none.
    std::int32_t shared;   // One basis for all pairs of channels.
    std::int32_t learned;  // Of a linear map.
    std::int32_t form;     // Of the basis.
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

// Every layer works on one block of images at a time and sums its gradients over the blocks of a step:
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
