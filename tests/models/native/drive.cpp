// Runs many random networks through every function of the engine, for the sanitizers to watch.
//
// Compiled together with engine.cpp by test_sanitizers.py; every array is exactly as long as the engine may touch, and
// allocated by itself, so that a read or write beyond it is seen.

#include <cstdio>
#include <random>

#include "engine.cpp"

namespace {
std::mt19937 generator(1);
int below(int limit) { return static_cast<int>(generator() % limit); }

std::vector<std::unique_ptr<float[]>> arrays;
float* random_array(long count) {
    arrays.push_back(std::make_unique<float[]>(count));
    std::normal_distribution<float> normal(0, 0.3f);
    for (long i = 0; i < count; ++i) arrays.back()[i] = normal(generator);
    return arrays.back().get();
}

// One to six random layers and a learned linear map, with all their arrays.
struct Case {
    Shape input{1 + below(4), 1 + below(15), 1 + below(15)};
    std::vector<Step> steps;
    std::vector<Arrays> tensors;
    std::vector<long> learned;  // Sizes of the parameters.

    void learn(Arrays& a, long weights, long biases) {
        const bool momentum = below(2);
        a.weight = random_array(weights), a.weight_momentum = momentum ? random_array(weights) : nullptr;
        a.bias = random_array(biases), a.bias_momentum = momentum ? random_array(biases) : nullptr;
        a.weights = weights, a.biases = biases;
        learned.push_back(weights), learned.push_back(biases);
    }

    // Turns a mixing into one by shifted windows or by DCT images.
    void give_form(Step& step, Arrays& a, long channels) {
        learned.resize(learned.size() - 2);
        step.form = 1 + below(3), step.kernel = 3, step.shared = step.form == 3, step.images = step.shared ? 3 : 1;
        const long pairs = step.outputs * channels;
        learn(a, step.images * pairs, step.outputs);
        a.basis_floats = step.shared ? 27 : 9 * pairs;
        float* basis = random_array(a.basis_floats);
        a.basis = basis;
        for (long pair = 0; pair < a.basis_floats / 9; ++pair) {
            const int offset = below(9);
            for (int i = 0; i < 9; ++i, ++basis) {
                const int row = i / 3, column = i % 3;
                if (step.form == 1) *basis = i == offset;
                if (step.form == 2) *basis = Gaussian::TAPS[offset / 3][row] * Gaussian::TAPS[offset % 3][column];
                if (step.form == 3) *basis = 0.1f * (pair == 0 ? 1 : 1 - (pair == 1 ? column : row));
            }
        }
    }

    explicit Case(int classes) {
        Shape shape = input;
        for (int i = below(6); i >= 0; --i) {
            Step step{below(4), 0, 0, 0, 0, 0, 0};
            Arrays a{};
            if (step.kind == 0) {
                step.kernel = 1 + 2 * below(4), step.outputs = 1 + below(20), step.images = below(3),
                step.shared = below(2);
                if (step.images == 2 && !step.shared) step.images = 1;
                const long pairs = step.outputs * shape.channels, taps = step.kernel * step.kernel;
                learn(a, step.images ? step.images * pairs : pairs * taps, step.outputs);
                a.basis_floats = step.images * taps * (step.shared ? 1 : pairs);
                a.basis = step.images ? random_array(a.basis_floats) : nullptr;
                if (below(2)) give_form(step, a, shape.channels);
                shape.channels = step.outputs;
            } else if (step.kind == 1 && shape.channels < 20) {
                shape = {7 * shape.channels, (shape.height + 1) / 2, (shape.width + 1) / 2};
            } else if (step.kind == 3 && shape.height > 1 && shape.width > 1) {
                shape = {shape.channels, shape.height / 2, shape.width / 2};
            } else {
                step.kind = 2;
            }
            steps.push_back(step), tensors.push_back(a);
        }
        Arrays fixed{}, last{};
        fixed.weights = 6 * shape.channels * shape.pixels(), fixed.weight = random_array(fixed.weights);
        steps.push_back({4, 6, 0, 0, 0, 0, 0}), tensors.push_back(fixed);
        learn(last, classes * 6, classes);
        steps.push_back({4, classes, 0, 0, 0, 1, 0}), tensors.push_back(last);
    }
};
}  // namespace

int main() {
    char error[256] = "";
    for (int round = 0; round < 300; ++round) {
        const int classes = 1 + below(5), images = 1 + below(50);
        Case c(classes);
        const float* x = random_array(images * c.input.channels * c.input.pixels());
        auto labels = std::make_unique<std::int64_t[]>(images), order = std::make_unique<std::int64_t[]>(images);
        for (int i = 0; i < images; ++i) labels[i] = below(classes), order[i] = below(images);
        std::vector<float*> gradients;
        for (long size : c.learned) gradients.push_back(random_array(size));
        const bool input_gradient = below(2);  // Without it, layers below the first learned one go without a gradient.
        Network* network = invsearch_new(c.input.channels, c.input.height, c.input.width, c.steps.data(),
                                         c.steps.size(), input_gradient, error);
        const Sgd sgd{0.01f, 0.9f, 1e-3f};
        std::int64_t correct = 0;
        invsearch_train(network, c.tensors.data(), x, labels.get(), order.get(), images, 1 + below(40), &sgd, error);
        invsearch_judge(network, c.tensors.data(), x, labels.get(), order.get(), images, &correct, error);
        const long blocks = 1 + below(3);
        Buffer in(blocks * network->input().floats()), out(blocks * network->output().floats()), dx(in.size()),
            space(blocks * invsearch_workspace(network));
        invsearch_forward(network, c.tensors.data(), in.get(), out.get(), blocks, space.get(), 1, error);
        invsearch_backward(network, c.tensors.data(), in.get(), out.get(), input_gradient ? dx.get() : nullptr, blocks,
                           space.get(), gradients.data(), error);
        invsearch_delete(network);
        arrays.clear();
        if (*error || correct < 0 || correct > images) return std::printf("round %d: %s\n", round, error), 1;
    }
    for (const Step nonsense : {Step{99, 0, 0, 0, 0, 0, 0}, Step{0, 2, 3, 1, 0, 0, 4}, Step{0, 2, 5, 1, 0, 0, 1}}) {
        *error = 0;
        if (invsearch_new(1, 4, 4, &nonsense, 1, 0, error) || !*error) return std::puts("nonsense was taken"), 1;
    }
    std::puts("300 networks");
}
