// Softmax cross entropy.
#pragma once

#include <algorithm>

#include "vector.hpp"

namespace invsearch {

// The summed loss of a block's lanes. scores is (classes, BLOCK). With dy, also the gradient of scale times that sum,
// zero in lanes without an image; with correct, adds how many lanes have their highest score (the first of equals) at
// their label.
inline double cross_entropy(const float* scores, const std::int64_t* labels, const std::int64_t* chosen, long lanes,
                            long classes, float scale, float* dy, std::int64_t* correct) {
    double total = 0;
    for (long lane = 0; lane < BLOCK; ++lane) {
        if (lane >= lanes) {
            for (long k = 0; dy && k < classes; ++k) dy[k * BLOCK + lane] = 0;
            continue;
        }
        const long label = labels[chosen[lane]];
        long best = 0;
        for (long k = 1; k < classes; ++k)
            if (scores[k * BLOCK + lane] > scores[best * BLOCK + lane]) best = k;
        if (correct) *correct += best == label;
        const float highest = scores[best * BLOCK + lane];
        float sum = 0;
        for (long k = 0; k < classes; ++k) {
            const float power = std::exp(scores[k * BLOCK + lane] - highest);
            sum += power;
            if (dy) dy[k * BLOCK + lane] = power;
        }
        total += std::log(sum) + highest - scores[label * BLOCK + lane];
        for (long k = 0; dy && k < classes; ++k) {
            const float probability = dy[k * BLOCK + lane] / sum;
            dy[k * BLOCK + lane] = scale * (probability - (k == label ? 1.0f : 0.0f));
        }
    }
    return total;
}

}  // namespace invsearch
