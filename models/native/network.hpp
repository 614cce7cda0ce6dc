// A chain of layers: made from its description, run forward and backward a block at a time, trained by SGD.
#pragma once

#include <memory>

#include "dct.hpp"
#include "loss.hpp"
#include "products.hpp"
#include "scatter.hpp"
#include "shifted.hpp"
#include "simple.hpp"
#include "winograd.hpp"

namespace invsearch {

struct Sgd {
    float lr, momentum, weight_decay;
};

// Copies images (each CHW) into the lanes of a block; missing ones are zero.
inline void pack(const float* images, const std::int64_t* chosen, long count, long pixels, float* block) {
    long p = 0;
    for (; p + LANES <= pixels; p += LANES)
        for (long first = 0; first < BLOCK; first += LANES) {
            vf v[LANES];
            for (long i = 0; i < LANES; ++i)
                v[i] = first + i < count ? load_unaligned(images + chosen[first + i] * pixels + p) : vf{};
            transpose(v);
            for (long i = 0; i < LANES; ++i) store(block + (p + i) * BLOCK + first, v[i]);
        }
    for (; p < pixels; ++p)
        for (long lane = 0; lane < BLOCK; ++lane)
            block[p * BLOCK + lane] = lane < count ? images[chosen[lane] * pixels + p] : 0.0f;
}

class Network {
    std::vector<std::unique_ptr<Layer>> layers;
    std::vector<std::size_t> source;       // The step whose arrays a layer has.
    std::vector<long> output_at, kept_at;  // Places in a block's workspace.
    std::size_t first_learned = 0;
    bool input_gradient;
    long workspace_floats = 0;
    Buffer images, workspace, gradients[2];

   public:
    std::vector<Parameter*> parameters;

    Network(Shape shape, const std::vector<Step>& steps, bool input_gradient_) : input_gradient(input_gradient_) {
        if (steps.empty()) throw std::invalid_argument("a network needs a layer");
        const Shape input = shape;
        bool learned = input_gradient;  // Whether a gradient is asked for at the input of the next layer.
        for (std::size_t i = 0; i < steps.size();) {
            const auto is = [&](std::size_t ahead, Kind kind) {
                return i + ahead < steps.size() && steps[i + ahead].kind == static_cast<std::int32_t>(kind);
            };
            source.push_back(i);
            std::size_t taken = 1;
            if (is(0, Kind::conv)) {
                const long kernel = steps[i].kernel;
                if (kernel < 1 || kernel % 2 == 0) throw std::invalid_argument("the size of a kernel must be odd");
                Shape out{steps[i].outputs, shape.height, shape.width};
                const bool relu_first = is(1, Kind::relu);
                if (steps[i].form) {
                    taken += relu_first;
                    add_mixing(shape, out, steps[i], relu_first, learned);
                } else if (kernel == 3 || kernel == 5) {
                    // ReLU and max pooling commute.
                    const bool pool = is(1, Kind::max_pool) || (relu_first && is(2, Kind::max_pool));
                    const bool rectify = relu_first || (pool && is(2, Kind::relu));
                    if (pool) out = {out.channels, out.height / 2, out.width / 2};
                    taken += pool + rectify;
                    if (kernel == 3)
                        add<WinogradConv<3>>(shape, out, steps[i], rectify, pool, learned);
                    else
                        add<WinogradConv<5>>(shape, out, steps[i], rectify, pool, learned);
                } else {
                    taken += relu_first;
                    add<ProductLayer>(shape, out, steps[i], relu_first);
                }
            } else if (is(0, Kind::scatter)) {
                add<Scatter>(shape);
            } else if (is(0, Kind::relu)) {
                add<Relu>(shape);
            } else if (is(0, Kind::max_pool)) {
                add<MaxPool>(shape, Shape{shape.channels, shape.height / 2, shape.width / 2});
            } else if (is(0, Kind::linear)) {
                taken += is(1, Kind::relu);
                const Shape features{shape.channels * shape.pixels(), 1, 1};
                add<ProductLayer>(features, Shape{steps[i].outputs, 1, 1}, steps[i], taken > 1);
            } else {
                throw std::invalid_argument("unknown layer kind " + std::to_string(steps[i].kind));
            }
            const std::size_t before = parameters.size();
            layers.back()->collect(parameters);
            if (!learned) first_learned = layers.size() - 1;
            learned = learned || parameters.size() > before;
            shape = layers.back()->out;
            i += taken;
        }
        long widest = input.floats();
        for (std::size_t i = 0; i < layers.size(); ++i) {
            const long floats = layers[i]->out.floats();
            output_at.push_back(workspace_floats);
            kept_at.push_back(workspace_floats += floats);
            workspace_floats += kept(i);
            widest = std::max(widest, floats);
        }
        images = Buffer(input.floats());
        for (Buffer& buffer : gradients) buffer = Buffer(widest);
    }

    const Shape& input() const { return layers.front()->in; }
    const Shape& output() const { return layers.back()->out; }
    long workspace_size() const { return workspace_floats; }

    void bind(const Arrays* arrays) {
        for (std::size_t i = 0; i < layers.size(); ++i) layers[i]->bind(arrays[source[i]]);
    }

    void prepare() {
        for (auto& layer : layers) layer->prepare();
        for (Parameter* p : parameters) std::fill(p->gradient.begin(), p->gradient.end(), 0.0f);
    }

    void finish() {
        for (auto& layer : layers) layer->finish();
    }

    // Returns the output, which lies in the workspace.
    const float* forward(const float* x, float* space, bool keep) {
        for (std::size_t i = 0; i < layers.size(); ++i) {
            float* y = space + output_at[i];
            layers[i]->forward(x, y, keep && kept(i) ? space + kept_at[i] : nullptr);
            x = y;
        }
        return x;
    }

    // dy is overwritten; dx is null unless the network was made with input_gradient.
    void backward(const float* x, const float* space, float* dy, float* dx) {
        for (std::size_t i = layers.size(); i-- > first_learned;) {
            const float* from = i ? space + output_at[i - 1] : x;
            float* to = i > first_learned ? gradients[i % 2].get() : dx;
            layers[i]->backward(from, space + output_at[i], dy, to, space + kept_at[i]);
            dy = to;
        }
    }

    void copy_gradients(float* const* to) const {
        for (std::size_t i = 0; i < parameters.size(); ++i)
            std::copy(parameters[i]->gradient.begin(), parameters[i]->gradient.end(), to[i]);
    }

    // The summed loss of the chosen images. With correct, adds how many are classified correctly; without, sums the
    // gradients of their mean loss.
    double visit(const float* x, const std::int64_t* labels, const std::int64_t* chosen, long count,
                 std::int64_t* correct) {
        if (!workspace.size()) workspace = Buffer(workspace_floats);
        prepare();
        double loss = 0;
        for (long at = 0; at < count; at += BLOCK) {
            const long lanes = std::min<long>(BLOCK, count - at);
            pack(x, chosen + at, lanes, input().channels * input().pixels(), images.get());
            const float* scores = forward(images.get(), workspace.get(), !correct);
            float* dy = correct ? nullptr : gradients[layers.size() % 2].get();
            loss += cross_entropy(scores, labels, chosen + at, lanes, output().channels, 1.0f / count, dy, correct);
            if (dy) backward(images.get(), workspace.get(), dy, nullptr);
        }
        if (!correct) finish();
        return loss;
    }

    // One pass of SGD over the chosen images, in order; stops after the first loss that is not finite.
    double train(const float* x, const std::int64_t* labels, const std::int64_t* chosen, long count, long batch,
                 Sgd sgd) {
        double total = 0;
        for (long at = 0; at < count && std::isfinite(total); at += batch) {
            total += visit(x, labels, chosen + at, std::min(batch, count - at), nullptr);
            for (Parameter* p : parameters) update(*p, sgd);
        }
        return total;
    }

   private:
    // Floats that layer i keeps: nothing where no backward pass comes.
    long kept(std::size_t i) const { return i < first_learned ? 0 : layers[i]->kept(); }

    // A 3x3 mixing whose kernels have a known form.
    void add_mixing(Shape in, Shape out, const Step& step, bool rectify, bool needs_dx) {
        const bool dct = step.form == static_cast<std::int32_t>(Form::dct);
        if (step.kernel != 3 || step.images != (dct ? 3 : 1) || (step.shared != 0) != dct)
            throw std::invalid_argument("a kernel of that form must be 3x3 and have its images");
        if (step.form == static_cast<std::int32_t>(Form::impulse))
            add<ShiftedLayer<Impulse>>(in, out, step, rectify, needs_dx);
        else if (step.form == static_cast<std::int32_t>(Form::gaussian))
            add<ShiftedLayer<Gaussian>>(in, out, step, rectify, needs_dx);
        else if (dct)
            add<DctLayer>(in, out, step, rectify);
        else
            throw std::invalid_argument("unknown form of a kernel " + std::to_string(step.form));
    }

    template <class Kind, class... Args>
    void add(Args&&... args) {
        layers.push_back(std::make_unique<Kind>(std::forward<Args>(args)...));
    }

    static void update(Parameter& p, Sgd sgd) {
        for (std::size_t i = 0; i < p.gradient.size(); ++i) {
            float step = p.gradient[i] + sgd.weight_decay * p.value[i];
            if (p.momentum) step = p.momentum[i] = sgd.momentum * p.momentum[i] + step;
            p.value[i] -= sgd.lr * step;
        }
    }
};

}  // namespace invsearch
