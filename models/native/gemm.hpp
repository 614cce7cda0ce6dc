// Matrix products in which one side is vectors: the arithmetic of every learned layer.
#pragma once

#include <array>

#include "vector.hpp"

namespace invsearch {

// The most rows of a tile of M x N sums that fits the registers, beside a row of N vectors and a weight.
constexpr int tile_rows(int columns) { return std::min(MOST_ROWS, (REGISTERS - 1 - columns) / columns); }

// Cuts rows into tiles of M rows, M <= MOST, and tiles of one less: of nearly equal sizes, for thin tiles keep the
// multipliers waiting. Calls use(M, row, how many from there).
template <int MOST, class Use>
ALWAYS_INLINE void cut(unsigned rows, Use use) {
    const unsigned tiles = (rows + MOST - 1) / MOST, least = rows / tiles, larger = rows % tiles;
    if (larger) use(least + 1, 0, larger);
    use(least, larger * (least + 1), tiles - larger);
}

// KERNEL<M, N>::run for M = 1 .. tile_rows(N).
template <template <int, int> class KERNEL, int N, int... I>
constexpr auto list_tiles(std::integer_sequence<int, I...>) {
    return std::array{&KERNEL<I + 1, N>::run...};
}
template <template <int, int> class KERNEL, int N>
constexpr auto TILES = list_tiles<KERNEL, N>(std::make_integer_sequence<int, tile_rows(N)>{});

// Cuts rows x columns into tiles and calls use(run, row, column, tiles) with the kernel for each column of tiles.
template <template <int, int> class KERNEL, class Use>
ALWAYS_INLINE void each_tile(long rows, long columns, Use use) {
    const auto take = [&](auto width, long column, long count) {
        constexpr int N = decltype(width)::value;
        for (; count > 0; --count, column += N)
            cut<tile_rows(N)>(rows,
                              [&](int m, long row, long tiles) { use(TILES<KERNEL, N>[m - 1], row, column, tiles); });
    };
    cut<COLUMNS>(columns, [&](int n, long column, long count) {
        if (n == COLUMNS)
            take(std::integral_constant<int, COLUMNS>{}, column, count);
        else if (n == COLUMNS - 1)
            take(std::integral_constant<int, COLUMNS - 1>{}, column, count);
        else if (n == 2)
            take(std::integral_constant<int, 2>{}, column, count);
        else
            take(std::integral_constant<int, 1>{}, column, count);
    });
}

// A matrix in memory: that of row i and column j is at i * row + j * column. Columns are vectors unless said otherwise.
template <class Number>
struct View {
    Number* at;
    long row, column = LANES;
    View from(long i, long j) const { return {at + i * row + j * column, row, column}; }
};
using Input = View<const float>;
using Output = View<float>;

// What a product starts from, a bias of each row or what is there, and whether it ends with max(0, .).
struct Ends {
    const float* bias = nullptr;
    bool add = false, rectify = false;
};

template <int M, int N>
struct ProductTile {
    static ALWAYS_INLINE void tile(const float* w, long w_row, long w_step, const float* in, long in_row, float* out,
                                   long out_row, long depth, Ends ends) {
        vf sum[M][N];
        for (int m = 0; m < M; ++m)
            for (int n = 0; n < N; ++n)
                sum[m][n] = ends.add ? load(out + m * out_row + n * LANES) : splat(ends.bias ? ends.bias[m] : 0.0f);
        for (long k = 0; k < depth; ++k, w += w_step, in += in_row) {
            vf x[N];
            for (int n = 0; n < N; ++n) x[n] = load(in + n * LANES);
            for (int m = 0; m < M; ++m) {
                const vf weight = splat(w[m * w_row]);
                for (int n = 0; n < N; ++n) sum[m][n] += weight * x[n];
            }
        }
        for (int m = 0; m < M; ++m)
            for (int n = 0; n < N; ++n)
                store(out + m * out_row + n * LANES, ends.rectify ? relu(sum[m][n]) : sum[m][n]);
    }

    // So many tiles below one another.
    static void run(long tiles, const Input& w, const Input& in, const Output& out, long depth, Ends ends) {
        for (long i = 0; i < tiles * M; i += M)
            tile(w.at + i * w.row, w.row, w.column, in.at, in.row, out.at + i * out.row, out.row, depth,
                 {ends.bias ? ends.bias + i : nullptr, ends.add, ends.rectify});
    }
};

// out[m][j] = bias[m] + sum over k of w[m][k] in[k][j], for rows m and vectors j.
inline void product(Input w, Input in, Output out, long rows, long depth, long vectors, Ends ends = {}) {
    each_tile<ProductTile>(rows, vectors, [&](auto run, long m, long j, long tiles) {
        run(tiles, w.from(m, 0), in.from(0, j), out.from(m, j), depth,
            {ends.bias ? ends.bias + m : nullptr, ends.add, ends.rectify});
    });
}

template <int M, int N>
struct DotTile {
    static ALWAYS_INLINE void tile(const float* a, long a_row, const float* b, long b_row, float* sums, long sums_row,
                                   long vectors) {
        vf sum[M * N] = {};
        for (long j = 0; j < vectors; ++j) {
            vf y[N];
            for (int n = 0; n < N; ++n) y[n] = load(b + n * b_row + j * LANES);
            for (int m = 0; m < M; ++m) {
                const vf x = load(a + m * a_row + j * LANES);
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
            for (int n = 0; n < N; ++n) sums[m * sums_row + n] += flat[m * N + n];
    }

    static void run(long tiles, const Input& a, const Input& b, const Output& sums, long vectors) {
        for (long i = 0; i < tiles * M; i += M)
            tile(a.at + i * a.row, a.row, b.at, b.row, sums.at + i * sums.row, sums.row, vectors);
    }
};

// sums[m][n] += the inner product of a[m] and b[n], each so many vectors long.
inline void dots(Input a, Input b, Output sums, long rows, long columns, long vectors) {
    each_tile<DotTile>(rows, columns, [&](auto run, long m, long n, long tiles) {
        run(tiles, a.from(m, 0), b.from(n, 0), sums.from(m, n), vectors);
    });
}

}  // namespace invsearch
