// The C interface of the native engine. Compiled once for each instruction set, into a library of its own.
//
// Errors come back as text in `error`; nothing throws across the boundary. All arrays are the caller's.

#include <cstdio>

#include "network.hpp"

#ifndef INVSEARCH_SOURCE
#define INVSEARCH_SOURCE ""
#endif

using namespace invsearch;

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {
constexpr int ERROR_SIZE = 256;

template <class Work>
auto guarded(char* error, Work work) -> decltype(work()) {
    try {
        return work();
    } catch (const std::exception& problem) {
        std::snprintf(error, ERROR_SIZE, "%s", problem.what());
        return decltype(work())();
    }
}
}  // namespace

// A hash of the sources this was compiled from.
EXPORT const char* invsearch_source() { return INVSEARCH_SOURCE; }

// Which instruction sets this machine has: bit 0 AVX2 with FMA, bit 1 AVX-512, bit 2 NEON.
EXPORT int invsearch_supported() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    return avx2 | (avx2 && avx512) << 1;
#elif defined(__aarch64__)
    return 4;  // Part of every 64-bit ARM.
#else
    return 0;
#endif
}

// Images in a block.
EXPORT int invsearch_block() { return BLOCK; }

EXPORT Network* invsearch_new(long channels, long height, long width, const Step* steps, long count, int input_gradient,
                              char* error) {
    return guarded(error, [&] {
        return new Network({channels, height, width}, std::vector<Step>(steps, steps + count), input_gradient != 0);
    });
}

EXPORT void invsearch_delete(Network* network) { delete network; }

EXPORT long invsearch_workspace(const Network* network) { return network->workspace_size(); }

EXPORT double invsearch_train(Network* network, const Arrays* arrays, const float* images, const std::int64_t* labels,
                              const std::int64_t* order, long count, long batch, const Sgd* sgd, char* error) {
    return guarded(error, [&] {
        network->bind(arrays);
        return network->train(images, labels, order, count, batch, *sgd);
    });
}

// The summed loss of the chosen images; adds how many are classified correctly.
EXPORT double invsearch_judge(Network* network, const Arrays* arrays, const float* images, const std::int64_t* labels,
                              const std::int64_t* chosen, long count, std::int64_t* correct, char* error) {
    return guarded(error, [&] {
        network->bind(arrays);
        return network->visit(images, labels, chosen, count, correct);
    });
}

// x and y are blocks, (blocks, C, H, W, BLOCK); space is blocks workspaces, or one and keep = 0.
EXPORT void invsearch_forward(Network* network, const Arrays* arrays, const float* x, float* y, long blocks,
                              float* space, int keep, char* error) {
    guarded(error, [&] {
        network->bind(arrays);
        network->prepare();
        const long in = network->input().floats(), out = network->output().floats();
        for (long i = 0; i < blocks; ++i) {
            const float* last = network->forward(x + i * in, space + (keep ? i * network->workspace_size() : 0), keep);
            std::copy(last, last + out, y + i * out);
        }
    });
}

// After invsearch_forward with keep. dy is overwritten; dx may be null.
EXPORT void invsearch_backward(Network* network, const Arrays* arrays, const float* x, float* dy, float* dx,
                               long blocks, const float* space, float* const* gradients, char* error) {
    guarded(error, [&] {
        network->bind(arrays);
        network->prepare();
        const long in = network->input().floats(), out = network->output().floats();
        for (long i = 0; i < blocks; ++i)
            network->backward(x + i * in, space + i * network->workspace_size(), dy + i * out, dx ? dx + i * in : dx);
        network->finish();
        network->copy_gradients(gradients);
    });
}
