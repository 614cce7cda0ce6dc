// Convolution by F(2x2, RxR), Winograd's minimal filtering (Lavin and Gray, arXiv:1509.09308), and its exact
// adjoints for both gradients.
//
// Each 2x2 tile of outputs needs (R + 1)^2 multiplies a channel pair instead of 4 R^2: 2.25 times fewer for 3x3, 2.8
// times for 5x5. The tile is also the window of the 2x2 max pooling, so ReLU and pooling end it in registers.
//
//     Y = A' [ (G g G') . (B' X B) ] A        a tile of outputs, . elementwise and summed over channels
#pragma once

#include "gemm.hpp"
#include "mixing.hpp"
#include "transforms.hpp"

namespace invsearch {

// sum[m][p] += over k of w[k][p][m] in[p][k], for a group of M channels at P points.
template <int M, int P>
ALWAYS_INLINE void sum_points(const float* w, const float* in, long in_stride, long point_stride, long depth,
                              vf (&sum)[M][P]) {
    for (long k = 0; k < depth; ++k)
        for (int p = 0; p < P; ++p) {
            const vf x = load(in + p * point_stride + k * in_stride);
            for (int m = 0; m < M; ++m) sum[m][p] += splat(w[(k * P + p) * M + m]) * x;
        }
}

// A convolution (or 3x3 mixing) that keeps the size, its bias, and optionally ReLU and 2x2 max pooling.
template <int R>
class WinogradConv : public MixingLayer {
    static constexpr int SIDE = R + 1, POINTS = SIDE * SIDE, PAD = R / 2;
    static constexpr int GROUP = SUMS / SIDE;  // Channels whose sums at one row of points fill the registers.
    static constexpr long CACHE = 180000;      // Floats of one operand of a strip; two or three stay in L2.
    static constexpr auto INPUT_T = Points<R>::INPUT_T, INPUT = INPUT_T.transposed();
    static constexpr auto KERNEL = Points<R>::KERNEL;
    static constexpr auto KERNEL_T = KERNEL.transposed();
    static constexpr auto OUTPUT_T = Points<R>::OUTPUT_T;
    static constexpr auto OUTPUT = OUTPUT_T.transposed();

    const bool pool;
    const long C, F;          // Channels in and out.
    const long down, across;  // Tiles.
    const long padded_height, padded_width;
    long strip, chunk;               // Tiles and output channels that are worked on at a time.
    Buffer padded, padded_gradient;  // (C, padded_height, padded_width, 16)
    Buffer u, u_transposed, du;      // Grouped by outputs, grouped by inputs, and (POINTS, F, C)
    Buffer v, dv, m;                 // (POINTS, C, strip, 16), (strip, POINTS, C, 16), (POINTS, chunk, strip, 16)
    Buffer tiles;                    // (F, 4, 16)

    // Where the top left corner of a tile's input is in a padded channel, in floats.
    long corner(long tile) const { return (tile / across * 2 * padded_width + tile % across * 2) * BLOCK; }

    // Where an output of channel f is, in floats; -1 outside the image.
    long place(long f, long row, long column) const {
        return row < out.height && column < out.width ? ((f * out.height + row) * out.width + column) * BLOCK : -1;
    }

    // Calls use(inside, row) on every row of the input: where it is in the padded image and without padding.
    template <class Use>
    void each_row(Use use) const {
        for (long c = 0; c < C; ++c)
            for (long i = 0; i < in.height; ++i)
                use(((c * padded_height + i + PAD) * padded_width + PAD) * BLOCK,
                    (c * in.height + i) * in.width * BLOCK);
    }

    void pad(const float* x) {
        each_row([&](long inside, long row) {
            std::memcpy(padded.get() + inside, x + row, in.width * BLOCK * sizeof(float));
        });
    }

    void transform_inputs(long first, long count) {
        const long stride = C * count * BLOCK;
        for (long c = 0; c < C; ++c)
            for (long t = 0; t < count; ++t) {
                const float* source = padded.get() + c * padded_height * padded_width * BLOCK + corner(first + t);
                for (int part = 0; part < BLOCK; part += LANES) {
                    vf tile[POINTS], values[POINTS];
                    for (int i = 0; i < SIDE; ++i)
                        for (int j = 0; j < SIDE; ++j)
                            tile[i * SIDE + j] = load(source + (i * padded_width + j) * BLOCK + part);
                    sandwich<INPUT_T>(tile, values);
                    float* target = v.get() + (c * count + t) * BLOCK + part;
                    for (int p = 0; p < POINTS; ++p) store(target + p * stride, values[p]);
                }
            }
    }

    // Ends a tile of output channel f: bias, ReLU, pooling, store.
    ALWAYS_INLINE void end_tile(const vf* tile, vf bias, float* y, float* choice, long f, long t, int part) {
        if (pool) {
            vf best = tile[0];
            vi index = {};
            for (int i = 1; i < 4; ++i) {
                const vi better = tile[i] > best;
                best = better ? tile[i] : best;
                index = better ? vi{} + i : index;
            }
            const vf sum = (tile[0] + tile[1]) + (tile[2] + tile[3]);
            best = (sum == sum ? best : sum) + bias;  // A NaN compares false, but must come through.
            store(y + (f * down * across + t) * BLOCK + part, rectify ? relu(best) : best);
            if (choice) *reinterpret_cast<vi*>(choice + (f * down * across + t) * BLOCK + part) = index;
            return;
        }
        const long row = t / across * 2, column = t % across * 2;
        for (int i = 0; i < 4; ++i)
            if (const long at = place(f, row + i / 2, column + i % 2); at >= 0)
                store(y + at + part, rectify ? relu(tile[i] + bias) : tile[i] + bias);
    }

    // The gradient of a tile before bias, ReLU and pooling: the adjoint of end_tile.
    ALWAYS_INLINE void start_tile(vf* tile, const float* y, const float* dy, const float* choice, long f, long t,
                                  int part) {
        if (pool) {
            const long at = (f * down * across + t) * BLOCK + part;
            vf gradient = load(dy + at);
            if (rectify) gradient = load(y + at) > vf{} ? gradient : vf{};
            const vi index = *reinterpret_cast<const vi*>(choice + at);
            for (int i = 0; i < 4; ++i) tile[i] = index == i ? gradient : vf{};
            return;
        }
        const long row = t / across * 2, column = t % across * 2;
        for (int i = 0; i < 4; ++i) {
            const long at = place(f, row + i / 2, column + i % 2);
            tile[i] = at < 0 ? vf{} : load(dy + at + part);
            if (rectify && at >= 0) tile[i] = load(y + at + part) > vf{} ? tile[i] : vf{};
        }
    }

    void transform_gradients(const float* y, const float* dy, const float* choice, long f0, long rows, long first,
                             long count) {
        const long stride = rows * count * BLOCK;
        for (long f = 0; f < rows; ++f)
            for (int part = 0; part < BLOCK; part += LANES) {
                vf sum = load(bias_lanes.get() + (f0 + f) * BLOCK + part);
                for (long t = 0; t < count; ++t) {
                    vf tile[4], values[POINTS];
                    start_tile(tile, y, dy, choice, f0 + f, first + t, part);
                    sum += (tile[0] + tile[1]) + (tile[2] + tile[3]);
                    sandwich<OUTPUT>(tile, values);
                    float* target = m.get() + (f * count + t) * BLOCK + part;
                    for (int p = 0; p < POINTS; ++p) store(target + p * stride, values[p]);
                }
                store(bias_lanes.get() + (f0 + f) * BLOCK + part, sum);
            }
    }

    // The weights of a row of points, in the order in which sum_points reads them; missing channels weigh 0.
    static long whole(long channels) { return (channels + GROUP - 1) / GROUP * GROUP; }
    static long grouped(int p, long channel, long k, long channels, long depth) {
        const long group = p / SIDE * whole(channels) + channel / GROUP * GROUP;
        return ((group * depth + k * GROUP) * SIDE) + p % SIDE * GROUP + channel % GROUP;
    }

    // Row ROW of a tile's points and those after it: the products, and what they add to the output transform.
    template <int ROW>
    void sum_outputs() {
        if constexpr (ROW < SIDE) {
            const float* from = v.get() + ROW * SIDE * C * BLOCK;
            const float* w = u.get() + ROW * whole(F) * C * SIDE;
            for (long f = 0; f < F; f += GROUP, w += GROUP * C * SIDE)
                for (int part = 0; part < BLOCK; part += LANES) {
                    vf sum[GROUP][SIDE] = {};
                    sum_points(w, from + part, BLOCK, C * BLOCK, C, sum);
                    float* tile = tiles.get() + f * 4 * BLOCK + part;
                    for (int i = 0; i < GROUP; ++i, tile += 4 * BLOCK) {
                        vf half[2];
                        matrix_times<OUTPUT_T>(sum[i], 1, half, 1);
                        add_half<ROW, 0>(tile, half);
                        add_half<ROW, 1>(tile, half);
                    }
                }
            sum_outputs<ROW + 1>();
        }
    }

    template <int ROW, int I>
    static ALWAYS_INLINE void add_half(float* tile, const vf* half) {
        constexpr float a = OUTPUT_T.at[I][ROW];
        for (int j = 0; j < 2 && a != 0; ++j) {
            float* pixel = tile + (2 * I + j) * BLOCK;
            if constexpr (ROW == I)  // The first row of points that counts for an output starts its sum.
                store(pixel, half[j]);
            else if constexpr (a == -1)
                store(pixel, load(pixel) - half[j]);
            else
                store(pixel, load(pixel) + a * half[j]);
        }
    }

    void sum_input_gradients(long f0, long rows, long count) {
        for (long t = 0; t < count; ++t)
            for (int i = 0; i < SIDE; ++i)
                for (long c = 0; c < C; c += GROUP)
                    for (int part = 0; part < BLOCK; part += LANES) {
                        float* target = dv.get() + ((t * POINTS + i * SIDE) * whole(C) + c) * BLOCK + part;
                        vf sum[GROUP][SIDE];
                        for (int j = 0; j < GROUP; ++j)
                            for (int p = 0; p < SIDE; ++p)
                                sum[j][p] = f0 ? load(target + (p * whole(C) + j) * BLOCK) : vf{};
                        sum_points(u_transposed.get() + ((i * whole(C) + c) * F + f0 * GROUP) * SIDE,
                                   m.get() + (i * SIDE * rows * count + t) * BLOCK + part, count * BLOCK,
                                   rows * count * BLOCK, rows, sum);
                        for (int j = 0; j < GROUP; ++j)
                            for (int p = 0; p < SIDE; ++p) store(target + (p * whole(C) + j) * BLOCK, sum[j][p]);
                    }
    }

    void add_input_gradients(long first, long count) {
        for (long c = 0; c < C; ++c)
            for (long t = 0; t < count; ++t) {
                float* target = padded_gradient.get() + c * padded_height * padded_width * BLOCK + corner(first + t);
                for (int part = 0; part < BLOCK; part += LANES) {
                    vf values[POINTS], tile[POINTS];
                    for (int p = 0; p < POINTS; ++p)
                        values[p] = load(dv.get() + ((t * POINTS + p) * whole(C) + c) * BLOCK + part);
                    sandwich<INPUT>(values, tile);
                    for (int i = 0; i < SIDE; ++i)
                        for (int j = 0; j < SIDE; ++j) {
                            float* pixel = target + (i * padded_width + j) * BLOCK + part;
                            store(pixel, load(pixel) + tile[i * SIDE + j]);
                        }
                }
            }
    }

   public:
    WinogradConv(Shape in_, Shape out_, const Step& step, bool rectify_, bool pool_, bool needs_dx)
        : MixingLayer(in_, out_, step, rectify_),
          pool(pool_),
          C(in.channels),
          F(out.channels),
          down(pool ? out.height : (out.height + 1) / 2),
          across(pool ? out.width : (out.width + 1) / 2),
          // Room for all of the input, and for all that the last tiles read.
          padded_height(std::max(2 * down, in.height) + 2 * PAD),
          padded_width(std::max(2 * across, in.width) + 2 * PAD) {
        const long places = down * across;
        auto shares = [](long total, long most) { return (total + most - 1) / most; };
        const long strips = shares(places, std::clamp<long>(CACHE / (C * POINTS * BLOCK), 4, 32));
        strip = shares(places, strips);
        chunk = std::min(F, std::max<long>(1, CACHE / (strip * POINTS * BLOCK) / ROWS) * ROWS);
        padded = Buffer(C * padded_height * padded_width * BLOCK);
        u = Buffer(POINTS * whole(F) * C);
        du = Buffer(POINTS * C * F);
        v = Buffer(POINTS * C * strip * BLOCK);
        m = Buffer(POINTS * chunk * strip * BLOCK);
        tiles = Buffer(whole(F) * 4 * BLOCK);
        if (needs_dx) {
            u_transposed = Buffer(POINTS * whole(C) * F);
            padded_gradient = Buffer(padded.size());
            dv = Buffer(strip * POINTS * whole(C) * BLOCK);
        }
    }

    // Which pixel of its window each pooled output is.
    long kept() const override { return pool ? out.floats() : 0; }

    void pack() override {
        for (long f = 0; f < F; ++f)
            for (long c = 0; c < C; ++c) {
                float values[POINTS];
                sandwich<KERNEL>(g + (f * C + c) * R * R, values);
                for (int p = 0; p < POINTS; ++p) {
                    u.get()[grouped(p, f, c, F, C)] = values[p];
                    if (u_transposed.size()) u_transposed.get()[grouped(p, c, f, C, F)] = values[p];
                }
            }
    }

    void forward(const float* x, float* y, float* choice) override {
        pad(x);
        for (long t = 0; t < down * across; ++t) {
            transform_inputs(t, 1);
            sum_outputs<0>();
            const float* sums = tiles.get();
            for (long f = 0; f < F; ++f, sums += 4 * BLOCK)
                for (int part = 0; part < BLOCK; part += LANES) {
                    vf tile[4];
                    for (int i = 0; i < 4; ++i) tile[i] = load(sums + i * BLOCK + part);
                    end_tile(tile, splat(bias.value[f]), y, choice, f, t, part);
                }
        }
    }

    void backward(const float* x, const float* y, float* dy, float* dx, const float* choice) override {
        pad(x);
        if (dx) padded_gradient.clear();
        for (long first = 0; first < down * across; first += strip) {
            const long count = std::min(strip, down * across - first), row = count * BLOCK;
            transform_inputs(first, count);
            for (long f0 = 0; f0 < F; f0 += chunk) {
                const long rows = std::min(chunk, F - f0);
                transform_gradients(y, dy, choice, f0, rows, first, count);
                for (int p = 0; p < POINTS; ++p)
                    dots(m.get() + p * rows * row, row, v.get() + p * C * row, row, du.get() + (p * F + f0) * C, C,
                         rows, C, count * PARTS);
                if (dx) sum_input_gradients(f0, rows, count);
            }
            if (dx) add_input_gradients(first, count);
        }
        if (!dx) return;
        each_row([&](long inside, long row) {
            std::memcpy(dx + row, padded_gradient.get() + inside, in.width * BLOCK * sizeof(float));
        });
    }

    void finish() override {
        float* dg = kernel_gradient();
        for (long f = 0; f < F; ++f)
            for (long c = 0; c < C; ++c) {
                float values[POINTS], kernel[R * R];
                for (int p = 0; p < POINTS; ++p) values[p] = du.get()[(p * F + f) * C + c];
                sandwich<KERNEL_T>(values, kernel);
                for (int i = 0; i < R * R; ++i) dg[(f * C + c) * R * R + i] += kernel[i];
            }
        du.clear();
        MixingLayer::finish();
    }
};

}  // namespace invsearch
