// Mixing by shifted windows: each pair (f, q) has one learned weight and a window at one of nine offsets.
//
//     y[f] = b[f] + sum over q of A[f, q] V[row(f, q)] H[column(f, q)] z[q]
//
// V[0..2] and H[0..2] filter columns and rows of an image by a 3-tap window at that offset: a 1, or a gaussian that
// the 3x3 kernel cuts off. So the vertical ones are taken of the inputs, three slabs of a row of pixels. A row of
// outputs then sums one multiply a pair and pixel, pairs of one horizontal offset after another, and each of these
// three sums is filtered once. The gradient of z is the same with f and q exchanged and the offsets reversed; that of A
// is an inner product of the same slabs with the horizontally filtered gradient of y.
#pragma once

#include "products.hpp"

namespace invsearch {

constexpr long RUN = 7;  // Pixels whose sums are in registers; a row is cut into such runs.

// The pairs of an operand's channels, in the order in which a row of outputs sums them: a chunk of inputs after the
// other, and for each output those at its left, at its place, and at its right.
struct Pairs {
    struct Pair {
        std::int32_t at, place;  // Of the input in the slabs, in floats, and of the pair in A.
    };
    long outputs = 0, chunks = 0;
    std::vector<Pair> list;
    std::vector<float> weights;      // Of the pairs of the list.
    std::vector<std::int32_t> ends;  // (chunks, outputs, 3)

    // find(output, input) gives a pair and its horizontal offset.
    template <class Find>
    void arrange(long outputs_, long inputs, long chunk, Find find) {
        outputs = outputs_, chunks = (inputs + chunk - 1) / chunk;
        list.clear(), ends.clear();
        for (long first = 0; first < inputs; first += chunk)
            for (long output = 0; output < outputs; ++output)
                for (int column = 0; column < 3; ++column) {
                    for (long input = first; input < std::min(inputs, first + chunk); ++input)
                        if (const auto [pair, offset] = find(output, input); offset == column) list.push_back(pair);
                    ends.push_back(list.size());
                }
        weights.resize(list.size());
    }

    // Calls use(output, chunk, ends of its pairs: the place before the first, and three).
    template <class Use>
    void each(Use use) const {
        std::int32_t start = 0;
        for (long chunk = 0, i = 0; chunk < chunks; ++chunk)
            for (long output = 0; output < outputs; ++output, i += 3) {
                const std::int32_t bounds[4] = {start, ends[i], ends[i + 1], ends[i + 2]};
                use(output, chunk, bounds);
                start = bounds[3];
            }
    }
};

// A window that is 1 at its offset.
struct Impulse {
    static constexpr float TAPS[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
};

// exp(-d^2) at distance d from its offset.
struct Gaussian {
    static constexpr float NEAR = 0.36787944117144233f, FAR = 0.01831563888873418f;
    static constexpr float TAPS[3][3] = {{1, NEAR, FAR}, {NEAR, 1, NEAR}, {FAR, NEAR, 1}};
};

// N pixels of a row, of some lanes, with a neighbour at the left and right or the edge of the image there.
template <class Window, int N, bool LEFT, bool RIGHT>
struct Run {
    static constexpr bool SHIFTS = std::is_same_v<Window, Impulse>;
    static constexpr int FIRST = LEFT ? -1 : 0, LAST = RIGHT ? N + 1 : N;  // Pixels that are there.

    // Calls use(pixel, its neighbour) for the neighbours that are there.
    template <int OFFSET, class Use>
    static ALWAYS_INLINE void each_neighbour(Use use) {
        for (int j = 0; j < N; ++j)
            if (const int s = j + OFFSET - 1; s >= FIRST && s < LAST) use(j, s);
    }

    // Calls use(pixel, its neighbour, tap) on the window at an offset.
    template <int COLUMN, class Use>
    static ALWAYS_INLINE void each_tap(Use use) {
        each_neighbour<0>([&](int j, int s) { use(j, s, Window::TAPS[COLUMN][0]); });
        each_neighbour<1>([&](int j, int s) { use(j, s, Window::TAPS[COLUMN][1]); });
        each_neighbour<2>([&](int j, int s) { use(j, s, Window::TAPS[COLUMN][2]); });
    }

    template <int COLUMN>
    static ALWAYS_INLINE void add_column(const float* slabs, const Pairs& pairs, const std::int32_t* bounds,
                                         vf (&sum)[N]) {
        if constexpr (SHIFTS) {
            for (std::int32_t i = bounds[COLUMN]; i < bounds[COLUMN + 1]; ++i) {
                const float* x = slabs + pairs.list[i].at;
                const vf weight = splat(pairs.weights[i]);
                each_neighbour<COLUMN>([&](int j, int s) { sum[j] += weight * load(x + s * BLOCK); });
            }
        } else {
            vf part[N + 2];
            for (int s = FIRST; s < LAST; ++s) part[s + 1] = vf{};
            for (std::int32_t i = bounds[COLUMN]; i < bounds[COLUMN + 1]; ++i) {
                const float* x = slabs + pairs.list[i].at;
                const vf weight = splat(pairs.weights[i]);
                for (int s = FIRST; s < LAST; ++s) part[s + 1] += weight * load(x + s * BLOCK);
            }
            each_tap<COLUMN>([&](int j, int s, float tap) { sum[j] += tap * part[s + 1]; });
        }
        if constexpr (COLUMN < 2) add_column<COLUMN + 1>(slabs, pairs, bounds, sum);
    }

    // Adds one output's pairs to y, or to its bias where they are the first.
    static void add(const float* slabs, const Pairs& pairs, const std::int32_t* bounds, float* y, const float* bias,
                    bool first, bool rectify) {
        vf sum[N];
        for (int j = 0; j < N; ++j) sum[j] = first ? splat(bias ? *bias : 0.0f) : load(y + j * BLOCK);
        add_column<0>(slabs, pairs, bounds, sum);
        for (int j = 0; j < N; ++j) store(y + j * BLOCK, rectify ? relu(sum[j]) : sum[j]);
    }

    template <int COLUMN>
    static ALWAYS_INLINE void dot_column(const float* slabs, const Pairs& pairs, const std::int32_t* bounds,
                                         const vf (&d)[N], float* lanes) {
        vf part[N + 2];
        for (int s = FIRST; s < LAST; ++s) part[s + 1] = vf{};
        each_tap<COLUMN>([&](int j, int s, float tap) { part[s + 1] += tap * d[j]; });
        for (std::int32_t i = bounds[COLUMN]; i < bounds[COLUMN + 1]; ++i) {
            const float* x = slabs + pairs.list[i].at;
            float* target = lanes + i * static_cast<long>(LANES);
            vf sums[2] = {load(target), {}};
            if constexpr (SHIFTS)
                each_neighbour<COLUMN>([&](int j, int s) { sums[j % 2] += d[j] * load(x + s * BLOCK); });
            else
                for (int s = FIRST; s < LAST; ++s) sums[s & 1] += part[s + 1] * load(x + s * BLOCK);
            store(target, sums[0] + sums[1]);
        }
        if constexpr (COLUMN < 2) dot_column<COLUMN + 1>(slabs, pairs, bounds, d, lanes);
    }

    // Adds the inner products of one output's gradient with the inputs of its pairs, lane by lane.
    static void dot(const float* slabs, const Pairs& pairs, const std::int32_t* bounds, const float* dy, float* lanes) {
        vf d[N];
        for (int j = 0; j < N; ++j) d[j] = load(dy + j * BLOCK);
        dot_column<0>(slabs, pairs, bounds, d, lanes);
    }
};

template <class Window>
class ShiftedLayer : public WeightedLayer {
    static constexpr long CACHE =
        6000;  // Floats of the inputs that a row of outputs works on at a time; they stay in L1.

    const long C, F, height, width;
    const long row;                     // Floats of one.
    std::vector<std::int32_t> offsets;  // 3 row + column of each (f, q).
    std::vector<float> scales;          // What multiplies the window of a pair.
    Pairs forward_pairs, backward_pairs;
    Buffer slabs, gradient_slabs;  // See fill.
    Buffer lanes;                  // Sums of the gradient of A in each lane, in the order of forward_pairs.

    long chunk(long inputs) const { return std::clamp<long>(CACHE / (3 * row), 1, inputs); }

    void bind_basis(const Arrays& arrays) override {
        check_size("kernel", arrays.basis_floats, 9 * F * C);
        std::vector<std::int32_t> found(F * C);
        for (long pair = 0; pair < F * C; ++pair) {
            const float* kernel = arrays.basis + 9 * pair;
            found[pair] = std::max_element(kernel, kernel + 9) - kernel;
            scales[pair] = kernel[found[pair]];
            for (int i = 0; i < 9; ++i) {
                const float expected =
                    scales[pair] * Window::TAPS[found[pair] / 3][i / 3] * Window::TAPS[found[pair] % 3][i % 3];
                if (!(std::abs(kernel[i] - expected) <= 1e-5f * std::abs(scales[pair])))
                    throw std::invalid_argument("a layer's kernel is not the shifted window that it should be");
            }
        }
        if (found == offsets) return;
        offsets = found;
        const auto find = [&](long f, long q, long inputs, long input, bool reversed) {
            const long pair = f * C + q, offset = reversed ? 8 - offsets[pair] : offsets[pair];
            return std::pair(Pairs::Pair{static_cast<std::int32_t>((offset / 3 * inputs + input) * row),
                                         static_cast<std::int32_t>(pair)},
                             offset % 3);
        };
        forward_pairs.arrange(F, C, chunk(C), [&](long f, long q) { return find(f, q, C, q, false); });
        if (gradient_slabs.size())
            backward_pairs.arrange(C, F, chunk(F), [&](long q, long f) { return find(f, q, F, f, true); });
    }

    void read_weights() override {
        for (Pairs* pairs : {&forward_pairs, &backward_pairs})
            for (std::size_t i = 0; i < pairs->list.size(); ++i) {
                const long pair = pairs->list[i].place;
                pairs->weights[i] = weight.value[pair] * scales[pair];
            }
    }

    // The three vertically filtered images of the inputs at row i, each (inputs, width, BLOCK). For impulses these are
    // the rows above, at and below i, and buffer holds all rows.
    const float* fill(const float* x, long inputs, long i, float* buffer) const {
        const long slab = inputs * row, plane = height * row;
        if constexpr (Run<Window, 1, false, false>::SHIFTS) {
            for (long r = i ? height : 0; r < height; ++r)
                for (long q = 0; q < inputs; ++q)
                    std::memcpy(buffer + (r + 1) * slab + q * row, x + q * plane + r * row, row * sizeof(float));
            return buffer + i * slab;
        } else {
            for (long q = 0; q < inputs; ++q, x += plane, buffer += row)
                for (long j = 0; j < row; j += LANES) {
                    const float* pixel = x + i * row + j;
                    const vf above = i ? load(pixel - row) : vf{}, here = load(pixel),
                             below = i + 1 < height ? load(pixel + row) : vf{};
                    for (int offset = 0; offset < 3; ++offset) {
                        const float* taps = Window::TAPS[offset];
                        store(buffer + offset * slab + j, taps[0] * above + taps[1] * here + taps[2] * below);
                    }
                }
            return buffer - slab;
        }
    }

    // Calls use(the run of that many pixels).
    template <int N = RUN, class Use>
    static ALWAYS_INLINE void dispatch(long count, bool left, bool right, Use use) {
        if constexpr (N > 1)
            if (count < N) return dispatch<N - 1>(count, left, right, use);
        if (!left && !right) return use(Run<Window, N, false, false>{});
        if constexpr (2 * N > RUN) {  // Of several runs, none is shorter.
            if (left && right) return use(Run<Window, N, true, true>{});
            left ? use(Run<Window, N, true, false>{}) : use(Run<Window, N, false, true>{});
        }
    }

    // Calls use(run, where it starts in a row, in floats) on the runs of a row.
    template <class Use>
    void each_run(Use use) const {
        const long runs = (width + RUN - 1) / RUN;
        for (long i = 0; i < runs; ++i) {
            const long start = width * i / runs, end = width * (i + 1) / runs;
            dispatch(end - start, start > 0, end < width, [&](auto run) { use(run, start * BLOCK); });
        }
    }

    void apply(const Pairs& pairs, const float* x, long inputs, float* buffer, float* y, const float* biases,
               bool rectified) const {
        for (long i = 0; i < height; ++i) {
            const float* from = fill(x, inputs, i, buffer);
            each_run([&](auto run, long at) {
                pairs.each([&](long output, long chunk, const std::int32_t* bounds) {
                    const bool first = chunk == 0, last = chunk + 1 == pairs.chunks;
                    for (long place = at; place < at + BLOCK; place += LANES)
                        run.add(from + place, pairs, bounds, y + (output * height + i) * row + place,
                                biases ? biases + output : nullptr, first, rectified && last);
                });
            });
        }
    }

   public:
    ShiftedLayer(Shape in_, Shape out_, const Step& step, bool rectify_, bool needs_dx)
        : WeightedLayer(in_, out_, step, rectify_, out_.channels * in_.channels),
          C(in.channels),
          F(out.channels),
          height(in.height),
          width(in.width),
          row(width * BLOCK),
          scales(F * C),
          slabs(C * row * (Run<Window, 1, false, false>::SHIFTS ? height + 2 : 3)),
          gradient_slabs(needs_dx ? slabs.size() / C * F : 0),
          lanes(F * C * LANES) {}

    void forward(const float* x, float* y, float*) override {
        apply(forward_pairs, x, C, slabs.get(), y, bias.value, rectify);
    }

    void backward(const float* x, const float* y, float* dy, float* dx, const float*) override {
        rectify_gradient(y, dy, out, rectify, bias_lanes.get());
        for (long i = 0; i < height; ++i) {
            const float* from = fill(x, C, i, slabs.get());
            each_run([&](auto run, long at) {
                forward_pairs.each([&](long f, long, const std::int32_t* bounds) {
                    for (long place = at; place < at + BLOCK; place += LANES)
                        run.dot(from + place, forward_pairs, bounds, dy + (f * height + i) * row + place, lanes.get());
                });
            });
        }
        if (dx) apply(backward_pairs, dy, F, gradient_slabs.get(), dx, nullptr, false);
    }

    void finish() override {
        for (std::size_t i = 0; i < forward_pairs.list.size(); ++i) {
            float sum = 0;
            for (int lane = 0; lane < LANES; ++lane) sum += lanes.get()[i * LANES + lane];
            const long pair = forward_pairs.list[i].place;
            weight.gradient[pair] += scales[pair] * sum;
        }
        lanes.clear();
        WeightedLayer::finish();
    }
};

}  // namespace invsearch
