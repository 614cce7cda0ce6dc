// The small constant matrices of F(2x2, RxR) and their products, unrolled at compile time.
#pragma once

#include "vector.hpp"

namespace invsearch {

template <int M, int N>
struct Matrix {
    static constexpr int ROWS = M, COLUMNS = N;
    float at[M][N];

    constexpr Matrix<N, M> transposed() const {
        Matrix<N, M> result{};
        for (int i = 0; i < M; ++i)
            for (int j = 0; j < N; ++j) result.at[j][i] = at[i][j];
        return result;
    }
};

// B', G and A' of the minimal filtering with these interpolation points (Lavin and Gray, arXiv:1509.09308).
template <int R>
struct Points;

template <>
struct Points<3> {  // 0, 1, -1, infinity
    static constexpr Matrix<4, 4> INPUT_T{{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}}};
    static constexpr Matrix<4, 3> KERNEL{{{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}}};
    static constexpr Matrix<2, 4> OUTPUT_T{{{1, 1, 1, 0}, {0, 1, -1, -1}}};
};

template <>
struct Points<5> {  // 0, 1, -1, 2, -2, infinity
    static constexpr Matrix<6, 6> INPUT_T{{{4, 0, -5, 0, 1, 0},
                                           {0, -4, -4, 1, 1, 0},
                                           {0, 4, -4, -1, 1, 0},
                                           {0, -2, -1, 2, 1, 0},
                                           {0, 2, -1, -2, 1, 0},
                                           {0, 4, 0, -5, 0, 1}}};
    static constexpr Matrix<6, 5> KERNEL{{{1 / 4.f, 0, 0, 0, 0},
                                          {-1 / 6.f, -1 / 6.f, -1 / 6.f, -1 / 6.f, -1 / 6.f},
                                          {-1 / 6.f, 1 / 6.f, -1 / 6.f, 1 / 6.f, -1 / 6.f},
                                          {1 / 24.f, 1 / 12.f, 1 / 6.f, 1 / 3.f, 2 / 3.f},
                                          {1 / 24.f, -1 / 12.f, 1 / 6.f, -1 / 3.f, 2 / 3.f},
                                          {0, 0, 0, 0, 1}}};
    static constexpr Matrix<2, 6> OUTPUT_T{{{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 1}}};
};

// Row I of a constant matrix times x, from its entry J on; zeros cost nothing, ones no multiply.
template <const auto& A, int I, int J = 0, bool FIRST = true, class V>
ALWAYS_INLINE V row_times(const V* x, int stride, V sum) {
    if constexpr (J == A.COLUMNS) {
        return sum;
    } else {
        constexpr float a = A.at[I][J];
        if constexpr (a == 0)
            return row_times<A, I, J + 1, FIRST>(x, stride, sum);
        else if constexpr (FIRST)
            return row_times<A, I, J + 1, false>(x, stride, a == 1 ? x[J * stride] : a * x[J * stride]);
        else if constexpr (a == 1)
            return row_times<A, I, J + 1, false>(x, stride, sum + x[J * stride]);
        else if constexpr (a == -1)
            return row_times<A, I, J + 1, false>(x, stride, sum - x[J * stride]);
        else
            return row_times<A, I, J + 1, false>(x, stride, sum + a * x[J * stride]);
    }
}

template <const auto& A, int I = 0, class V>
ALWAYS_INLINE void matrix_times(const V* x, int stride, V* y, int y_stride) {
    if constexpr (I < A.ROWS) {
        y[I * y_stride] = row_times<A, I>(x, stride, V{});
        matrix_times<A, I + 1>(x, stride, y, y_stride);
    }
}

// A x A', x being square and stored by rows.
template <const auto& A, class V>
ALWAYS_INLINE void sandwich(const V* x, V* y) {
    constexpr int N = A.COLUMNS, M = A.ROWS;
    V half[M * N];
    for (int j = 0; j < N; ++j) matrix_times<A>(x + j, N, half + j, N);
    for (int i = 0; i < M; ++i) matrix_times<A>(half + i * N, 1, y + i * M, 1);
}

}  // namespace invsearch
