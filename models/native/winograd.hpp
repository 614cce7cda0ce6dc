// Convolution by F(4x4, 3x3) and F(2x2, 5x5), Winograd's minimal filtering (Lavin and Gray, arXiv:1509.09308), and its
// exact adjoints for both gradients.
//
// A tile of outputs needs 36 multiplies a channel pair: 4 times fewer than directly for 4x4 outputs of a 3x3
// kernel, 2.8 times for 2x2 of 5x5; 4x4 of those would err by more than 1e-5. The tile holds 2x2 windows of max
// pooling, so ReLU and pooling end it in registers.
//
//     Y = A' [ (G g G') . (B' X B) ] A        a tile of outputs, . elementwise and summed over channels
#pragma once

#include <memory>

#include "gemm.hpp"
#include "mixing.hpp"
#include "pooled.hpp"
#include "transforms.hpp"

namespace invsearch {

// A convolution (or 3x3 mixing) that keeps the size, its bias, and optionally ReLU and 2x2 max pooling.
template <int R>
class WinogradConv : public MixingLayer {
    static constexpr int T = Filtering<R>::OUTPUTS, SIDE = Filtering<R>::N, POINTS = SIDE * SIDE, PAD = R / 2;
    static constexpr int GROUP = SUMS / SIDE;   // Output channels whose sums at one row of points fill the registers.
    static constexpr bool SPARSE = LANES < 16;  // Whether PooledGradients takes the backward pass where it can.
    static constexpr long CACHE = 64000;        // Floats of one operand of a strip; two or three stay in L2.
    static constexpr auto INPUT_T = Filtering<R>::INPUT, INPUT = INPUT_T.transposed();
    static constexpr auto KERNEL = Filtering<R>::KERNEL, KERNEL_T = KERNEL.transposed();
    static constexpr auto OUTPUT = Filtering<R>::OUTPUT, OUTPUT_T = OUTPUT.transposed();

    const bool pool;
    const long C, F, lanes;   // Channels in and out; those in, rounded up to whole vectors.
    const bool turn;          // Whether lanes are input channels where the weights' gradient is summed.
    const bool fused;         // Whether the forward pass keeps its sums in registers: for few input channels.
    const long down, across;  // Tiles.
    const long padded_height, padded_width;
    long strip, back_strip, chunk;   // Tiles, forward and backward, and output channels that are worked on at a time.
    Buffer padded, padded_gradient;  // (C, padded_height, padded_width, BLOCK)
    Buffer u, du;                    // (POINTS, F, lanes)
    Buffer grouped;                  // u as (SIDE, F / GROUP, C, SIDE, GROUP), where fused
    Buffer v, dv;                    // (POINTS, C, strip, BLOCK); v as (POINTS, strip, BLOCK, lanes) if turned
    std::unique_ptr<PooledGradients<R>> pooled;
    std::vector<Tile> tiles;
    vi steps[2] = {vi{} + 1, vi{} + 2};  // Of a choice: what a pixel to the right and one below add to it.
    Buffer m;                            // (chunk, POINTS, strip, BLOCK); (POINTS, chunk, strip, BLOCK) backward

    // Where an output of channel f is, in floats; -1 outside the image.
    long place(long f, long row, long column, int part) const {
        return row < out.height && column < out.width ? ((f * out.height + row) * out.width + column) * BLOCK + part
                                                      : -1;
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

    // The transform of a tile of channel c, of which put takes the values at the points.
    template <class Put>
    ALWAYS_INLINE void transform_input(long c, long tile, int part, Put put) {
        const float* source = padded.get() + c * padded_height * padded_width * BLOCK + tiles[tile].corner + part;
        sandwich<INPUT_T>([&](int i, int j) { return load(source + (i * padded_width + j) * BLOCK); }, put);
    }

    void transform_inputs(long first, long count) {
        const long stride = C * count * BLOCK;
        for (long c = 0; c < C; ++c)
            for (long t = 0; t < count; ++t)
                for (int part = 0; part < BLOCK; part += LANES) {
                    float* target = v.get() + (c * count + t) * BLOCK + part;
                    transform_input(c, first + t, part,
                                    [&](int i, int j, vf value) { store(target + (i * SIDE + j) * stride, value); });
                }
    }

    // The same with channels for lanes.
    void transform_inputs_turned(long first, long count) {
        const long stride = count * BLOCK * lanes;
        for (long c = 0; c < C; c += LANES)
            for (long t = 0; t < count; ++t)
                for (int part = 0; part < BLOCK; part += LANES) {
                    vf values[POINTS][LANES];
                    for (int lane = 0; lane < LANES; ++lane)
                        if (c + lane < C)
                            transform_input(c + lane, first + t, part,
                                            [&](int i, int j, vf value) { values[i * SIDE + j][lane] = value; });
                        else
                            for (int p = 0; p < POINTS; ++p) values[p][lane] = vf{};
                    float* target = v.get() + (t * BLOCK + part) * lanes + c;
                    for (int p = 0; p < POINTS; ++p) {
                        transpose(values[p]);
                        for (int i = 0; i < LANES; ++i) store(target + p * stride + i * lanes, values[p][i]);
                    }
                }
    }

    // Ends a tile of output channel f: bias, ReLU, pooling, store.
    ALWAYS_INLINE void end_tile(const vf (&tile)[T][T], vf bias, float* y, float* choice, long f, long t, int part) {
        if constexpr (!SPARSE) return end_tile_in_order(tile, bias, y, choice, f, t, part);
        const auto end = [&](vf pixel, long at) { store(y + at, rectify ? relu(pixel + bias) : pixel + bias); };
        const long row = out.width * BLOCK, channel = f * out.height * row + part;
        if (!pool) return tiles[t].each_output<T>(row, [&](long i, long j, long at) { end(tile[i][j], channel + at); });
        // Maxima lose a NaN, which must come through: each point of a tile is in one of its corners.
        bias += 0.0f * ((tile[0][0] + tile[0][T - 1]) + (tile[T - 1][0] + tile[T - 1][T - 1]));
        tiles[t].each_output<T / 2>(row, [&](long i, long j, long at) {
            vi chosen;
            end(find_largest(tile[2 * i] + 2 * j, tile[2 * i + 1] + 2 * j, steps, chosen), channel + at);
            if (choice) *reinterpret_cast<vi*>(choice + channel + at) = chosen;
        });
    }

    // The same with the rounding of version 3, which it had with every instruction set.
    ALWAYS_INLINE void end_tile_in_order(const vf (&tile)[T][T], vf bias, float* y, float* choice, long f, long t,
                                         int part) {
        const int window = pool ? 2 : 1;
        const long row = t / across * (T / window), column = t % across * (T / window);
        for (int i = 0; i < T / window; ++i)
            for (int j = 0; j < T / window; ++j) {
                const long at = place(f, row + i, column + j, part);
                if (at < 0) continue;
                vf best = tile[window * i][window * j];
                if (pool) {
                    const vf pixels[4] = {best, tile[2 * i][2 * j + 1], tile[2 * i + 1][2 * j],
                                          tile[2 * i + 1][2 * j + 1]};
                    vi index = {};
                    for (int k = 1; k < 4; ++k) {
                        const vi better = pixels[k] > best;
                        best = better ? pixels[k] : best;
                        index = better ? vi{} + k : index;
                    }
                    const vf sum = (pixels[0] + pixels[1]) + (pixels[2] + pixels[3]);
                    best = sum == sum ? best : sum;  // A NaN compares false, but must come through.
                    if (choice) *reinterpret_cast<vi*>(choice + at) = index;
                }
                store(y + at, rectify ? relu(best + bias) : best + bias);
            }
    }

    // The gradient of a tile before bias, ReLU and pooling: the adjoint of end_tile. Returns its sum.
    ALWAYS_INLINE vf start_tile(vf (&tile)[T][T], const float* y, const float* dy, const float* choice, long f, long t,
                                int part) {
        const int window = pool ? 2 : 1;
        const long row = t / across * (T / window), column = t % across * (T / window);
        vf sum = {};
        for (int i = 0; i < T / window; ++i)
            for (int j = 0; j < T / window; ++j) {
                const long at = place(f, row + i, column + j, part);
                vf gradient = at < 0 ? vf{} : load(dy + at);
                if (rectify && at >= 0) gradient = load(y + at) > vf{} ? gradient : vf{};
                sum += gradient;
                if (pool) {
                    const vi index = at < 0 ? vi{} : *reinterpret_cast<const vi*>(choice + at);
                    for (int k = 0; k < 4; ++k) tile[2 * i + k / 2][2 * j + k % 2] = index == k ? gradient : vf{};
                } else {
                    tile[i][j] = gradient;
                }
            }
        return sum;
    }

    // Ends tiles of which get(f, t, point) gives the sums at the points.
    template <class Get>
    void transform_outputs(float* y, float* choice, long f0, long rows, long first, long count, Get get) {
        for (long f = 0; f < rows; ++f)
            for (long t = 0; t < count; ++t)
                for (int part = 0; part < BLOCK; part += LANES) {
                    vf tile[T][T];
                    sandwich<OUTPUT_T>([&](int i, int j) { return get(f, t * BLOCK + part, i * SIDE + j); },
                                       [&](int i, int j, vf value) { tile[i][j] = value; });
                    end_tile(tile, splat(bias.value[f0 + f]), y, choice, f0 + f, first + t, part);
                }
    }

    // The weights of the group of output channel f at row i of the points.
    float* weights_of(long i, long f) {
        const long groups = (F + GROUP - 1) / GROUP;
        return grouped.get() + (i * groups + f / GROUP) * C * SIDE * GROUP;
    }

    // All outputs of tiles from their transformed inputs, a row of points of a group of channels at a time.
    void sum_outputs(float* y, float* choice, long first, long count) {
        const long plane = C * count * BLOCK;
        for (long f = 0; f < F; f += GROUP)
            for (long at = 0; at < count * BLOCK; at += LANES) {
                vf half[GROUP][SIDE][T];
                for (int i = 0; i < SIDE; ++i) {
                    const float *w = weights_of(i, f), *x = v.get() + i * SIDE * plane + at;
                    vf sum[GROUP][SIDE] = {};
                    for (long c = 0; c < C; ++c, w += SIDE * GROUP, x += count * BLOCK)
                        for (int j = 0; j < SIDE; ++j) {
                            vf value = load(x + j * plane);
                            hold(value);
                            for (int k = 0; k < GROUP; ++k) sum[k][j] += splat(w[j * GROUP + k]) * value;
                        }
                    for (int k = 0; k < GROUP; ++k) times<OUTPUT_T>(sum[k], half[k][i]);
                }
                for (int k = 0; k < GROUP && f + k < F; ++k) {
                    vf tile[T][T];
                    for (int j = 0; j < T; ++j) {
                        vf column[SIDE], pixels[T];
                        for (int i = 0; i < SIDE; ++i) column[i] = half[k][i][j];
                        times<OUTPUT_T>(column, pixels);
                        for (int i = 0; i < T; ++i) tile[i][j] = pixels[i];
                    }
                    end_tile(tile, splat(bias.value[f + k]), y, choice, f + k, first + at / BLOCK, at % BLOCK);
                }
            }
    }

    // The gradients at the points of which put(f, t, point, value) takes.
    template <class Put>
    void transform_gradients(const float* y, const float* dy, const float* choice, long f0, long rows, long first,
                             long count, Put put) {
        for (long f = 0; f < rows; ++f)
            for (int part = 0; part < BLOCK; part += LANES) {
                vf sum = load(bias_lanes.get() + (f0 + f) * BLOCK + part);
                for (long t = 0; t < count; ++t) {
                    vf tile[T][T];
                    sum += start_tile(tile, y, dy, choice, f0 + f, first + t, part);
                    sandwich<OUTPUT>([&](int i, int j) { return tile[i][j]; },
                                     [&](int i, int j, vf value) { put(f, t * BLOCK + part, i * SIDE + j, value); });
                }
                store(bias_lanes.get() + (f0 + f) * BLOCK + part, sum);
            }
    }

    void add_input_gradients(long first, long count) {
        const long stride = C * count * BLOCK;
        for (long c = 0; c < C; ++c)
            for (long t = 0; t < count; ++t)
                for (int part = 0; part < BLOCK; part += LANES) {
                    const float* source = dv.get() + (c * count + t) * BLOCK + part;
                    float* target = padded_gradient.get() + c * padded_height * padded_width * BLOCK +
                                    tiles[first + t].corner + part;
                    sandwich<INPUT>([&](int i, int j) { return load(source + (i * SIDE + j) * stride); },
                                    [&](int i, int j, vf value) {
                                        float* pixel = target + (i * padded_width + j) * BLOCK;
                                        store(pixel, load(pixel) + value);
                                    });
                }
    }

   public:
    WinogradConv(Shape in_, Shape out_, const Step& step, bool rectify_, bool pool_, bool needs_dx)
        : MixingLayer(in_, out_, step, rectify_),
          pool(pool_),
          C(in.channels),
          F(out.channels),
          lanes((C + LANES - 1) / LANES * LANES),
          turn(4 * C > 3 * lanes),
          fused(C > 1 && C <= 16),
          down((out.height * (1 + pool) + T - 1) / T),
          across((out.width * (1 + pool) + T - 1) / T),
          // Room for all of the input, and for all that the last tiles read.
          padded_height(std::max(T * down, in.height) + 2 * PAD),
          padded_width(std::max(T * across, in.width) + 2 * PAD) {
        const long places = down * across;
        auto shares = [](long total, long most) { return (total + most - 1) / most; };
        const auto limit = [&](long most) {
            return shares(places, shares(places, std::clamp<long>(CACHE / (C * POINTS * BLOCK), 3, most)));
        };
        strip = fused ? (SPARSE ? 2 : 1) : limit(6);
        back_strip = limit(turn ? 6 : 16);
        chunk = shares(F, shares(F, 25));
        for (long t = 0; t < places; ++t) {
            const long row = t / across, column = t % across, outputs = T / (1 + pool);
            tiles.push_back({(row * padded_width + column) * T * BLOCK, (row * out.width + column) * outputs * BLOCK,
                             out.height - row * outputs, out.width - column * outputs});
        }
        if (SPARSE && pool) {
            pooled = std::make_unique<PooledGradients<R>>(in, out, rectify);
            for (int i = 0; i < 2; ++i) steps[i] = vi{} + static_cast<int>(i ? pooled->row : pooled->step);
        }
        padded = Buffer(C * padded_height * padded_width * BLOCK);
        u = Buffer(POINTS * F * lanes);
        du = Buffer(POINTS * F * lanes);
        if (fused) grouped = Buffer(POINTS * shares(F, GROUP) * GROUP * C);
        v = Buffer(POINTS * (turn ? lanes : C) * std::max(strip, back_strip) * BLOCK);
        m = Buffer(POINTS * std::max(back_strip, strip) * chunk * BLOCK);
        if (needs_dx) {
            padded_gradient = Buffer(padded.size());
            dv = Buffer(POINTS * C * back_strip * BLOCK);
        }
    }

    // Which pixel of its window each pooled output is.
    long kept() const override { return pool ? out.floats() : 0; }

    void pack() override {
        if (pooled) pooled->pack(g);
        for (long f = 0; f < F; ++f)
            for (long c = 0; c < C; c += LANES) {
                vf kernels[R * R];
                for (int lane = 0; lane < LANES; ++lane)
                    for (int i = 0; i < R * R; ++i)
                        kernels[i][lane] = c + lane < C ? g[(f * C + c + lane) * R * R + i] : 0.0f;
                float* target = u.get() + f * lanes + c;
                sandwich<KERNEL>([&](int i, int j) { return kernels[i * R + j]; },
                                 [&](int i, int j, vf value) {
                                     store(target + (i * SIDE + j) * F * lanes, value);
                                     if (!fused) return;
                                     float* weight = weights_of(i, f) + j * GROUP + f % GROUP;
                                     for (int lane = 0; lane < LANES && c + lane < C; ++lane)
                                         weight[(c + lane) * SIDE * GROUP] = value[lane];
                                 });
            }
    }

    void forward(const float* x, float* y, float* choice) override {
        pad(x);
        for (long first = 0; first < down * across; first += strip) {
            const long count = std::min(strip, down * across - first), row = count * BLOCK;
            transform_inputs(first, count);
            if (fused) {
                sum_outputs(y, choice, first, count);
                continue;
            }
            for (long f = 0; f < F; f += chunk) {
                const long rows = std::min(chunk, F - f);
                if (C == 1) {  // A product of each number, not worth storing.
                    transform_outputs(y, choice, f, rows, first, count, [&](long i, long at, int p) {
                        return u.get()[(p * F + f + i) * lanes] * load(v.get() + p * row + at);
                    });
                    continue;
                }
                for (int p = 0; p < POINTS; ++p)
                    product({u.get() + (p * F + f) * lanes, lanes, 1}, {v.get() + p * C * row, row},
                            {m.get() + p * row, POINTS * row}, rows, C, count * PARTS);
                transform_outputs(y, choice, f, rows, first, count,
                                  [&](long i, long at, int p) { return load(m.get() + (i * POINTS + p) * row + at); });
            }
        }
    }

    void backward(const float* x, const float* y, float* dy, float* dx, const float* choice) override {
        if (pooled) return pooled->backward(x, y, dy, dx, choice, bias_lanes.get());
        pad(x);
        if (dx) padded_gradient.clear();
        for (long first = 0; first < down * across; first += back_strip) {
            const long count = std::min(back_strip, down * across - first), row = count * BLOCK;
            if (turn)
                transform_inputs_turned(first, count);
            else
                transform_inputs(first, count);
            for (long f = 0; f < F; f += chunk) {
                const long rows = std::min(chunk, F - f);
                transform_gradients(y, dy, choice, f, rows, first, count, [&](long i, long at, int p, vf value) {
                    store(m.get() + (p * rows + i) * row + at, value);
                });
                for (int p = 0; p < POINTS; ++p) {
                    const Input dm{m.get() + p * rows * row, row};
                    float* sums = du.get() + (p * F + f) * lanes;
                    if (turn)
                        product({dm.at, row, 1}, {v.get() + p * row * lanes, lanes}, {sums, lanes}, rows, row,
                                lanes / LANES, {nullptr, true});
                    else
                        dots(dm, {v.get() + p * C * row, row}, {sums, lanes, 1}, rows, C, count * PARTS);
                    if (dx)
                        product({u.get() + (p * F + f) * lanes, 1, lanes}, dm, {dv.get() + p * C * row, row}, C, rows,
                                count * PARTS, {nullptr, f > 0});
                }
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
        if (pooled) return pooled->finish(dg), MixingLayer::finish();
        for (long f = 0; f < F; ++f)
            for (long c = 0; c < C; c += LANES) {
                const float* source = du.get() + f * lanes + c;
                vf kernels[R * R];
                sandwich<KERNEL_T>([&](int i, int j) { return load(source + (i * SIDE + j) * F * lanes); },
                                   [&](int i, int j, vf value) { kernels[i * R + j] = value; });
                for (int lane = 0; lane < LANES && c + lane < C; ++lane)
                    for (int i = 0; i < R * R; ++i) dg[(f * C + c + lane) * R * R + i] += kernels[i][lane];
            }
        du.clear();
        MixingLayer::finish();
    }
};

}  // namespace invsearch
