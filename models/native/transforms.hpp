// The small constant matrices of F(4x4, 3x3) and F(2x2, 5x5) and their products, unrolled at compile time.
#pragma once

#include "vector.hpp"

namespace invsearch {

// Its rows belong to the interpolation points, or, with BACK, its columns.
template <int M, int N, bool BACK_ = false>
struct Matrix {
    static constexpr int ROWS = M, COLUMNS = N;
    static constexpr bool BACK = BACK_;
    float at[M][N];

    constexpr Matrix<N, M, !BACK> transposed() const {
        Matrix<N, M, !BACK> result{};
        for (int i = 0; i < M; ++i)
            for (int j = 0; j < N; ++j) result.at[j][i] = at[i][j];
        return result;
    }
};

// A matrix with a row for each interpolation point, of which those at 1, 3, .. and the next ones are opposite: the half
// sums and half differences of their rows, of which half of the entries are zero.
template <int M, int N>
constexpr Matrix<M, N> fold(Matrix<M, N> a) {
    for (int i = 1; i + 1 < M; i += 2)
        for (int j = 0; j < N; ++j) {
            const float one = a.at[i][j], other = a.at[i + 1][j];
            a.at[i][j] = (one + other) / 2, a.at[i + 1][j] = (one - other) / 2;
        }
    return a;
}

// Where polynomials are evaluated, beside infinity: 0 and two pairs of opposite numbers, for which float32 errs least
// among multiples of 1/8.
constexpr double POINTS[] = {0, .625, -.625, 1.625, -1.625};

// B', G and A of the minimal filtering with a kernel of R, by Toom and Cook (Lavin and Gray,
// arXiv:1509.09308; Barabasz et al., arXiv:1803.10986), folded.
template <int R>
struct Filtering {
    static constexpr int N = 6, OUTPUTS = N - R + 1;

    // The coefficients of the product of x - p over all points but one.
    static constexpr Matrix<1, N> multiply_out(int without) {
        Matrix<1, N> product{{{1}}};
        for (int k = 0, degree = 0; k < N - 1; ++k) {
            if (k == without) continue;
            const float p = POINTS[k];
            for (int j = ++degree; j >= 0; --j)
                product.at[0][j] = (j ? product.at[0][j - 1] : 0) - (j < degree ? p * product.at[0][j] : 0);
        }
        return product;
    }

    // Powers of the points, divided by a number of each.
    template <int M>
    static constexpr Matrix<N, M> list_powers(bool divide) {
        Matrix<N, M> result{};
        for (int i = 0; i < N - 1; ++i) {
            double power = 1;
            for (int k = 0; divide && k < N - 1; ++k)
                if (k != i) power /= POINTS[i] - POINTS[k];
            for (int j = 0; j < M; ++j, power *= POINTS[i]) result.at[i][j] = power;
        }
        result.at[N - 1][M - 1] = 1;
        return result;
    }

    static constexpr Matrix<N, N> list_products() {
        Matrix<N, N> result{};
        for (int i = 0; i < N; ++i)
            for (int j = 0; j < N; ++j) result.at[i][j] = multiply_out(i).at[0][j];
        return result;
    }

    static constexpr auto INPUT = fold(list_products());
    static constexpr auto KERNEL = fold(list_powers<R>(true));
    static constexpr auto OUTPUT = fold(list_powers<OUTPUTS>(false));
};

// Row I of a constant matrix times x, from its entry J on; zeros cost nothing, ones no multiply.
template <const auto& A, int I, int J = 0, bool FIRST = true>
ALWAYS_INLINE vf row_times(const vf* x, vf sum) {
    if constexpr (J == A.COLUMNS) {
        return sum;
    } else {
        constexpr float a = A.at[I][J];
        if constexpr (a == 0)
            return row_times<A, I, J + 1, FIRST>(x, sum);
        else if constexpr (FIRST)
            return row_times<A, I, J + 1, false>(x, a == 1 ? x[J] : a * x[J]);
        else if constexpr (a == 1)
            return row_times<A, I, J + 1, false>(x, sum + x[J]);
        else if constexpr (a == -1)
            return row_times<A, I, J + 1, false>(x, sum - x[J]);
        else
            return row_times<A, I, J + 1, false>(x, sum + a * x[J]);
    }
}

template <const auto& A, int... I>
ALWAYS_INLINE void matrix_times(const vf* x, vf* y, std::integer_sequence<int, I...>) {
    ((y[I] = row_times<A, I>(x, vf{})), ...);
}

// The sums and differences of opposite points.
template <int POINTS>
ALWAYS_INLINE void unfold(vf* x) {
    for (int i = 1; i + 1 < POINTS; i += 2) {
        const vf sum = x[i] + x[i + 1], difference = x[i] - x[i + 1];
        x[i] = sum, x[i + 1] = difference;
    }
}

// A x for the matrix A whose folded form is given; x is overwritten.
template <const auto& A>
ALWAYS_INLINE void times(vf* x, vf* y) {
    if constexpr (A.BACK) unfold<A.COLUMNS>(x);
    matrix_times<A>(x, y, std::make_integer_sequence<int, A.ROWS>{});
    if constexpr (!(A.BACK)) unfold<A.ROWS>(y);
}

// A x A', x being square: get(i, j) of it, put(i, j, value) of the result.
template <const auto& A, class Get, class Put>
ALWAYS_INLINE void sandwich(Get get, Put put) {
    constexpr int N = A.COLUMNS, M = A.ROWS;
    vf half[M][N];
    for (int j = 0; j < N; ++j) {
        vf x[N], y[M];
        for (int i = 0; i < N; ++i) x[i] = get(i, j);
        times<A>(x, y);
        for (int i = 0; i < M; ++i) half[i][j] = y[i];
    }
    for (int i = 0; i < M; ++i) {
        vf y[M];
        times<A>(half[i], y);
        for (int j = 0; j < M; ++j) put(i, j, y[j]);
    }
}

}  // namespace invsearch
