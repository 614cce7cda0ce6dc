// The small constant matrices of F(2x2, RxR) and their products, unrolled at compile time.
#pragma once

#include <cstddef>
#include <utility>

#include "vector.hpp"

namespace invsearch {

// B', G and A' of the minimal filtering with these interpolation points (Lavin and Gray, arXiv:1509.09308).
template <int R>
struct Points;

template <>
struct Points<3> {  // 0, 1, -1, infinity
    struct InputT {
        static constexpr int ROWS = 4, COLUMNS = 4;
        static constexpr float at[4][4] = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
    };
    struct Kernel {
        static constexpr int ROWS = 4, COLUMNS = 3;
        static constexpr float at[4][3] = {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};
    };
    struct OutputT {
        static constexpr int ROWS = 2, COLUMNS = 4;
        static constexpr float at[2][4] = {{1, 1, 1, 0}, {0, 1, -1, -1}};
    };
};

template <>
struct Points<5> {  // 0, 1, -1, 2, -2, infinity
    struct InputT {
        static constexpr int ROWS = 6, COLUMNS = 6;
        static constexpr float at[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                           {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
    };
    struct Kernel {
        static constexpr int ROWS = 6, COLUMNS = 5;
        static constexpr float at[6][5] = {{1 / 4.f, 0, 0, 0, 0},
                                           {-1 / 6.f, -1 / 6.f, -1 / 6.f, -1 / 6.f, -1 / 6.f},
                                           {-1 / 6.f, 1 / 6.f, -1 / 6.f, 1 / 6.f, -1 / 6.f},
                                           {1 / 24.f, 1 / 12.f, 1 / 6.f, 1 / 3.f, 2 / 3.f},
                                           {1 / 24.f, -1 / 12.f, 1 / 6.f, -1 / 3.f, 2 / 3.f},
                                           {0, 0, 0, 0, 1}};
    };
    struct OutputT {
        static constexpr int ROWS = 2, COLUMNS = 6;
        static constexpr float at[2][6] = {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 1}};
    };
};

template <class A>
struct Transposed {
    static constexpr int ROWS = A::COLUMNS, COLUMNS = A::ROWS;
    template <int I, int J>
    static constexpr float get() {
        return A::at[J][I];
    }
};
template <class A>
struct Plain {
    static constexpr int ROWS = A::ROWS, COLUMNS = A::COLUMNS;
    template <int I, int J>
    static constexpr float get() {
        return A::at[I][J];
    }
};

// Row I of a constant matrix times x; zeros cost nothing, ones no multiply.
template <class A, int I, int J, bool FIRST, class V>
ALWAYS_INLINE V row_times(const V* x, int stride, V sum) {
    if constexpr (J == A::COLUMNS) {
        return sum;
    } else {
        constexpr float a = A::template get<I, J>();
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

template <class A, class V, std::size_t... I>
ALWAYS_INLINE void matrix_times(const V* x, int stride, V* y, int y_stride, std::index_sequence<I...>) {
    ((y[I * y_stride] = row_times<A, I, 0, true>(x, stride, V{})), ...);
}

// A x A', x being square and stored by rows.
template <class A, class V>
ALWAYS_INLINE void sandwich(const V* x, V* y) {
    constexpr int N = A::COLUMNS, M = A::ROWS;
    V half[M * N];
    constexpr auto rows = std::make_index_sequence<M>{};
    for (int j = 0; j < N; ++j) matrix_times<A>(x + j, N, half + j, N, rows);
    for (int i = 0; i < M; ++i) matrix_times<A>(half + i * N, 1, y + i * M, 1, rows);
}

}  // namespace invsearch
