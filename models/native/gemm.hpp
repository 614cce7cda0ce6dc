// Matrix products in which one side is vectors: the arithmetic of every learned layer.
#pragma once

#include "vector.hpp"

namespace invsearch {

template <int M, int N, bool RECTIFY>
ALWAYS_INLINE void product_tile(const float* w, long w_stride, const float* in, long in_stride, float* out,
                                long out_stride, long depth, const float* bias) {
    vf sum[M][N];
    for (int m = 0; m < M; ++m)
        for (int n = 0; n < N; ++n) sum[m][n] = splat(bias ? bias[m] : 0.0f);
    for (long k = 0; k < depth; ++k) {
        vf x[N];
        for (int n = 0; n < N; ++n) x[n] = load(in + k * in_stride + n * LANES);
        for (int m = 0; m < M; ++m) {
            const vf weight = splat(w[k * w_stride + m]);
            for (int n = 0; n < N; ++n) sum[m][n] += weight * x[n];
        }
    }
    for (int m = 0; m < M; ++m)
        for (int n = 0; n < N; ++n) store(out + m * out_stride + n * LANES, RECTIFY ? relu(sum[m][n]) : sum[m][n]);
}

template <int M, bool RECTIFY, int N = COLUMNS>
void product_rows(const float* w, long w_stride, const float* in, long in_stride, float* out, long out_stride,
                  long depth, long vectors, const float* bias) {
    for (; vectors >= N; vectors -= N, in += N * LANES, out += N * LANES)
        product_tile<M, N, RECTIFY>(w, w_stride, in, in_stride, out, out_stride, depth, bias);
    if constexpr (N > 1)
        product_rows<M, RECTIFY, N - 1>(w, w_stride, in, in_stride, out, out_stride, depth, vectors, bias);
}

// out[m][j] = bias[m] + sum over k of w[k][m] in[k][j], for rows m and vectors j, and max(0, .) of it with RECTIFY.
// Strides are in floats.
template <bool RECTIFY = false, int M = ROWS>
void product(const float* w, long w_stride, const float* in, long in_stride, float* out, long out_stride, long rows,
             long depth, long vectors, const float* bias = nullptr) {
    for (; rows >= M; rows -= M, w += M, out += M * out_stride, bias += bias ? M : 0)
        product_rows<M, RECTIFY>(w, w_stride, in, in_stride, out, out_stride, depth, vectors, bias);
    if constexpr (M > 1)
        if (rows) product<RECTIFY, M - 1>(w, w_stride, in, in_stride, out, out_stride, rows, depth, vectors, bias);
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
        totals[group] = lane_sums(v);
    }
    float flat[GROUPS * LANES];
    std::memcpy(flat, totals, sizeof flat);
    for (int m = 0; m < M; ++m)
        for (int n = 0; n < N; ++n) sums[m * sums_stride + n] += flat[m * N + n];
}

template <int M, int N = DOT_COLUMNS>
void dot_rows(const float* a, long a_stride, const float* b, long b_stride, float* sums, long sums_stride, long columns,
              long vectors) {
    for (; columns >= N; columns -= N, b += N * b_stride, sums += N)
        dot_tile<M, N>(a, a_stride, b, b_stride, sums, sums_stride, vectors);
    if constexpr (N > 1) dot_rows<M, N - 1>(a, a_stride, b, b_stride, sums, sums_stride, columns, vectors);
}

// sums[m][n] += the inner product of a[m] and b[n], each so many vectors long.
template <int M = ROWS>
void dots(const float* a, long a_stride, const float* b, long b_stride, float* sums, long sums_stride, long rows,
          long columns, long vectors) {
    for (; rows >= M; rows -= M, a += M * a_stride, sums += M * sums_stride)
        dot_rows<M>(a, a_stride, b, b_stride, sums, sums_stride, columns, vectors);
    if constexpr (M > 1)
        if (rows) dots<M - 1>(a, a_stride, b, b_stride, sums, sums_stride, rows, columns, vectors);
}

}  // namespace invsearch
