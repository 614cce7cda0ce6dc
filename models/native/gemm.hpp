// Matrix products in which one side is vectors: the arithmetic of every learned layer.
#pragma once

#include <algorithm>

#include "vector.hpp"

namespace invsearch {

// What happens at the two ends of a product's sums.
enum class Ends {
    plain,       // They start at the bias, or 0 without one.
    rectified,   // The same, and max(0, .) before the store.
    accumulated  // They start at what the output holds.
};

template <int M, int N, Ends ENDS>
ALWAYS_INLINE void product_tile(const float* w, long w_stride, const float* in, long in_stride, float* out,
                                long out_stride, long depth, const float* bias) {
    vf sum[M][N];
    for (int m = 0; m < M; ++m) {
        const vf start = splat(bias ? bias[m] : 0.0f);
        for (int n = 0; n < N; ++n)
            sum[m][n] = ENDS == Ends::accumulated ? load(out + m * out_stride + n * LANES) : start;
    }
    for (long k = 0; k < depth; ++k) {
        vf x[N];
        for (int n = 0; n < N; ++n) x[n] = load(in + k * in_stride + n * LANES);
        for (int m = 0; m < M; ++m) {
            const vf weight = splat(w[k * w_stride + m]);
            for (int n = 0; n < N; ++n) sum[m][n] += weight * x[n];
        }
    }
    for (int m = 0; m < M; ++m)
        for (int n = 0; n < N; ++n)
            store(out + m * out_stride + n * LANES, ENDS == Ends::rectified ? relu(sum[m][n]) : sum[m][n]);
}

template <int M, Ends ENDS>
void product_rows(const float* w, long w_stride, const float* in, long in_stride, float* out, long out_stride,
                  long depth, long vectors, const float* bias) {
    static_assert(COLUMNS == 3);
    long n = 0;
    for (; n + COLUMNS <= vectors; n += COLUMNS, in += COLUMNS * LANES, out += COLUMNS * LANES)
        product_tile<M, COLUMNS, ENDS>(w, w_stride, in, in_stride, out, out_stride, depth, bias);
    if (vectors - n == 2) product_tile<M, 2, ENDS>(w, w_stride, in, in_stride, out, out_stride, depth, bias);
    if (vectors - n == 1) product_tile<M, 1, ENDS>(w, w_stride, in, in_stride, out, out_stride, depth, bias);
}

// out[m][j] = sum over k of w[k][m] in[k][j], for rows m and vectors j. Strides are in floats.
template <Ends ENDS = Ends::plain>
void product(const float* w, long w_stride, const float* in, long in_stride, float* out, long out_stride, long rows,
             long depth, long vectors, const float* bias = nullptr) {
    using Kernel = decltype(&product_rows<1, ENDS>);
    static constexpr Kernel kernels[] = {nullptr,
                                         product_rows<1, ENDS>,
                                         product_rows<2, ENDS>,
                                         product_rows<3, ENDS>,
                                         product_rows<4, ENDS>,
                                         product_rows<5, ENDS>,
                                         product_rows<6, ENDS>,
                                         product_rows<7, ENDS>};
    for (long m = 0; m < rows; m += ROWS)
        kernels[std::min<long>(ROWS, rows - m)](w + m, w_stride, in, in_stride, out + m * out_stride, out_stride, depth,
                                                vectors, bias ? bias + m : nullptr);
}

template <int M, int N>
void dot_tile(const float* a, long a_stride, const float* b, long b_stride, float* sums, long sums_stride,
              long vectors) {
    vf sum[M * N] = {};
    for (long j = 0; j < vectors; ++j) {
        vf y[N];
        for (int n = 0; n < N; ++n) y[n] = load(b + n * b_stride + j * LANES);
        for (int m = 0; m < M; ++m) {
            const vf x = load(a + m * a_stride + j * LANES);
            for (int n = 0; n < N; ++n) sum[m * N + n] += x * y[n];
        }
    }
    constexpr int GROUPS = (M * N + LANES - 1) / LANES;
    vf totals[GROUPS];
    for (int group = 0; group < GROUPS; ++group) {
        vf v[LANES];
        for (int i = 0; i < LANES; ++i) v[i] = group * LANES + i < M * N ? sum[group * LANES + i] : vf{};
        totals[group] = lane_sums<LANES>(v);
    }
    float flat[GROUPS * LANES];
    std::memcpy(flat, totals, sizeof flat);
    for (int m = 0; m < M; ++m)
        for (int n = 0; n < N; ++n) sums[m * sums_stride + n] += flat[m * N + n];
}

template <int M>
void dot_rows(const float* a, long a_stride, const float* b, long b_stride, float* sums, long sums_stride, long columns,
              long vectors) {
    static_assert(DOT_COLUMNS <= 4);
    long n = 0;
    for (; n + DOT_COLUMNS <= columns; n += DOT_COLUMNS)
        dot_tile<M, DOT_COLUMNS>(a, a_stride, b + n * b_stride, b_stride, sums + n, sums_stride, vectors);
    const long rest = columns - n;
    if (rest == 3) dot_tile<M, 3>(a, a_stride, b + n * b_stride, b_stride, sums + n, sums_stride, vectors);
    if (rest == 2) dot_tile<M, 2>(a, a_stride, b + n * b_stride, b_stride, sums + n, sums_stride, vectors);
    if (rest == 1) dot_tile<M, 1>(a, a_stride, b + n * b_stride, b_stride, sums + n, sums_stride, vectors);
}

// sums[m][n] += the inner product of a[m] and b[n], each so many vectors long.
inline void dots(const float* a, long a_stride, const float* b, long b_stride, float* sums, long sums_stride, long rows,
                 long columns, long vectors) {
    using Kernel = decltype(&dot_rows<1>);
    static constexpr Kernel kernels[] = {nullptr,     dot_rows<1>, dot_rows<2>, dot_rows<3>,
                                         dot_rows<4>, dot_rows<5>, dot_rows<6>, dot_rows<7>};
    for (long m = 0; m < rows; m += ROWS)
        kernels[std::min<long>(ROWS, rows - m)](a + m * a_stride, a_stride, b, b_stride, sums + m * sums_stride,
                                                sums_stride, columns, vectors);
}

}  // namespace invsearch
