// The vector type of one instruction set, and the few operations the compiler's vector extensions lack.
//
// Activations are batch-last: a pixel of a channel is BLOCK consecutive floats, one for each image of a block. So every
// operation on a pixel is the same for all lanes, whatever the layer does.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__SSE__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace invsearch {

// Lanes of a vector, how large the register tiles of a product may be (gemm.hpp), and how many sums a kernel holds
// where it is free in their shape.
#if defined(__AVX512F__)
constexpr int LANES = 16, REGISTERS = 32, MOST_ROWS = 12, COLUMNS = 4, SUMS = 28;
#elif defined(__AVX2__)
constexpr int LANES = 8, REGISTERS = 16, MOST_ROWS = 12, COLUMNS = 3, SUMS = 12;
#elif defined(__aarch64__)
constexpr int LANES = 4, REGISTERS = 32, MOST_ROWS = 12, COLUMNS = 4, SUMS = 28;
#else
constexpr int LANES = 4, REGISTERS = 16, MOST_ROWS = 12, COLUMNS = 3, SUMS = 12;
#endif
constexpr int BLOCK = std::max(8, LANES);  // Images in a block; floats of a pixel.
constexpr int PARTS = BLOCK / LANES;       // Vectors of a pixel.

typedef float vf __attribute__((vector_size(LANES * 4), aligned(LANES * 4), may_alias));
typedef std::int32_t vi __attribute__((vector_size(LANES * 4), aligned(LANES * 4), may_alias));

#define ALWAYS_INLINE inline __attribute__((always_inline))

typedef float unaligned_vf __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

ALWAYS_INLINE vf load(const float* p) { return *reinterpret_cast<const vf*>(p); }
ALWAYS_INLINE vf load_unaligned(const float* p) { return *reinterpret_cast<const unaligned_vf*>(p); }
ALWAYS_INLINE void store(float* p, vf v) { *reinterpret_cast<vf*>(p) = v; }
ALWAYS_INLINE void store_unaligned(float* p, vf v) { *reinterpret_cast<unaligned_vf*>(p) = v; }
ALWAYS_INLINE vf splat(float x) { return x - vf{}; }

// Keeps a value in a register, where compilers would rather load it again for each use.
ALWAYS_INLINE void hold(vf& x) {
#if defined(__SSE__)
    asm("" : "+x"(x));
#elif defined(__aarch64__)
    asm("" : "+w"(x));
#endif
}

// A NaN stays one, as in torch: it compares false.
ALWAYS_INLINE vf relu(vf x) { return x < vf{} ? vf{} : x; }

// 1 / sqrt(x) to float precision, for positive x: an estimate y of 12 bits or more, and one step of third order,
// from the series of y / sqrt(1 - e) in e = 1 - x y y.
ALWAYS_INLINE vf inverse_sqrt(vf x) {
#if defined(__AVX512F__)
    const vf y = _mm512_maskz_rsqrt14_ps(0xffff, x);
    return y * (1.5f - 0.5f * x * y * y);  // Newton's step doubles its 14 bits.
#elif defined(__AVX2__) || defined(__SSE__) || defined(__aarch64__)
#if defined(__AVX2__)
    const vf y = _mm256_rsqrt_ps(x);
#elif defined(__SSE__)
    const vf y = _mm_rsqrt_ps(x);
#else
    const auto v = (float32x4_t)x, estimate = vrsqrteq_f32(v);  // 8 bits, and Newton's step doubles them.
    const vf y = (vf)(estimate * vrsqrtsq_f32(v * estimate, estimate));
#endif
    const vf e = 1.0f - x * y * y;
    return y + y * e * (0.5f + 0.375f * e);
#else
    vf y;
    for (int i = 0; i < LANES; ++i) y[i] = __builtin_sqrtf(x[i]);  // One instruction, without errno.
    return 1.0f / y;
#endif
}

#if defined(__AVX2__) && !defined(__AVX512F__)
// For each set of lanes, their numbers one after another.
struct Packings {
    alignas(32) std::int32_t lanes[256][8];
    constexpr Packings() : lanes{} {
        for (int set = 0; set < 256; ++set)
            for (int lane = 0, count = 0; lane < 8; ++lane)
                if (set >> lane & 1) lanes[set][count++] = lane;
    }
};
inline constexpr Packings PACKINGS;
#endif

// Stores the lanes of a and b where a is not 0, one after another, and returns how many there are; writes LANES floats.
ALWAYS_INLINE int keep_nonzero(vf a, vf b, float* to_a, float* to_b) {
#if defined(__AVX2__) && !defined(__AVX512F__)
    const int set = _mm256_movemask_ps(_mm256_cmp_ps(a, vf{}, _CMP_NEQ_UQ));
    const __m256i lanes = _mm256_load_si256(reinterpret_cast<const __m256i*>(PACKINGS.lanes[set]));
    store_unaligned(to_a, _mm256_permutevar8x32_ps(a, lanes));
    store_unaligned(to_b, _mm256_permutevar8x32_ps(b, lanes));
    return __builtin_popcount(set);
#else
    int count = 0;
    for (int lane = 0; lane < LANES; ++lane) {
        to_a[count] = a[lane], to_b[count] = b[lane];
        count += a[lane] != 0;
    }
    return count;
#endif
}

// Sums of neighbouring lanes: those of a, then those of b.
template <int... I>
ALWAYS_INLINE vf pairwise(vf a, vf b, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(a, b, 2 * I...) + __builtin_shufflevector(a, b, 2 * I + 1 ...);
}
constexpr std::make_integer_sequence<int, LANES> EACH_LANE{};

// Lane i is the sum of the lanes of v[i]; the order of additions is fixed.
ALWAYS_INLINE vf lane_sums(vf* v) {
    for (int width = LANES; width > 1; width /= 2)
        for (int i = 0; i < width / 2; ++i) v[i] = pairwise(v[2 * i], v[2 * i + 1], EACH_LANE);
    return v[0];
}

// Exchanges the second half of a with the first half of b, in groups of WIDTH lanes.
template <int WIDTH, int... I>
ALWAYS_INLINE void swap_groups(vf& a, vf& b, std::integer_sequence<int, I...>) {
    const vf low = __builtin_shufflevector(a, b, (I & WIDTH ? LANES + (I ^ WIDTH) : I)...);
    b = __builtin_shufflevector(a, b, (I & WIDTH ? LANES + I : I + WIDTH)...);
    a = low;
}

// Swaps lanes and vectors: afterwards lane j of v[i] is what lane i of v[j] was.
template <int WIDTH = LANES / 2>
ALWAYS_INLINE void transpose(vf* v) {
    for (int i = 0; i < LANES; ++i)
        if (!(i & WIDTH)) swap_groups<WIDTH>(v[i], v[i + WIDTH], EACH_LANE);
    if constexpr (WIDTH > 1) transpose<WIDTH / 2>(v);
}

}  // namespace invsearch
