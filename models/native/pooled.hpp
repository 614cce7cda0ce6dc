// Both gradients of a convolution behind which 2x2 max pooling leaves one gradient to a window.
//
// A window's gradient meets R x R inputs: a quarter of a direct convolution's products, and no more than F(4x4, 3x3)
// takes, without its transforms. What ReLU stopped is skipped. As each image has its own pixel of a window, images are
// visited one by one, with channels for lanes; of a single channel, the lanes are the pixels of a row of the kernel.
#pragma once

#include <vector>

#include "layer.hpp"

namespace invsearch {

// Where a tile's inputs begin in a padded channel and its outputs in a channel, in floats, and how many rows and
// columns of outputs are in the image.
struct Tile {
    long corner, place, rows, columns;

    // Calls use(i, j, place) on the outputs, given the floats of a row of them.
    template <int OUTPUTS, class Use>
    ALWAYS_INLINE void each_output(long row, Use use) const {
        for (long i = 0; i < OUTPUTS; ++i)
            for (long j = 0; j < OUTPUTS; ++j)
                if (i < rows && j < columns) use(i, j, place + i * row + j * BLOCK);
    }
};

// The first of the largest of a window's four pixels, and the sum of the steps to it: to the right, and down.
ALWAYS_INLINE vf find_largest(const vf* above, const vf* below, const vi (&steps)[2], vi& chosen) {
    const vf upper = above[1] > above[0] ? above[1] : above[0], lower = below[1] > below[0] ? below[1] : below[0];
    const vi down = lower > upper, right = (down & (below[1] > below[0])) | (~down & (above[1] > above[0]));
    chosen = (down & steps[1]) + (right & steps[0]);
    return lower > upper ? lower : upper;
}

template <int R>
class PooledGradients {
    static constexpr int PAD = R / 2;

    typedef std::int32_t place_t __attribute__((may_alias));  // Kept in an array of floats.

    // Gradients that are not zero, and where the first input that each meets is in an image, in floats.
    struct Items {
        const float* gradient;
        const place_t* place;
        long count;
    };

    const Shape in, out;
    const bool rectify, single;  // Whether ReLU follows; whether there is one channel.
    const long lanes, taps;      // Floats of a weight's vectors; vectors of a kernel.

   public:
    const long step, row;  // Floats of a pixel and of a padded row.

   private:
    const long size;                    // Floats of a padded image.
    const long room;                    // For the items of a channel and image.
    Buffer weights, sums;               // (F, taps, lanes), and their gradients
    Buffer images, image_gradients;     // (BLOCK, padded height, padded width, step)
    Buffer items;                       // (BLOCK, F, 2, room): gradients, and places
    std::vector<long> lengths;          // How many items there are: (BLOCK, F)
    std::vector<std::int32_t> corners;  // The place of an item that is the first of its window.

    // Calls use(weight, turned) on the places of each kernel entry in (F, C, R, R) and (F, taps, lanes).
    template <class Use>
    void each_weight(Use use) const {
        for (long f = 0; f < out.channels; ++f)
            for (long c = 0; c < in.channels; ++c)
                for (long tap = 0; tap < R * R; ++tap)
                    use((f * in.channels + c) * R * R + tap,
                        single ? (f * taps + tap / R) * lanes + tap % R : (f * taps + tap) * lanes + c);
    }

    // Calls use(x, stride, count, turned) on what makes a vector of a padded image: where it is in a block, how far
    // apart its numbers are and how many, and where the vector is in the first image.
    template <class Use>
    void each_vector(Use use) const {
        const long plane = in.pixels() * BLOCK;
        for (long c = 0; c < in.channels; c += LANES)
            for (long i = 0; i < in.height; ++i)
                for (long j = 0; j < in.width; j += single ? LANES : 1)
                    use(c * plane + (i * in.width + j) * BLOCK, single ? BLOCK : plane,
                        std::min<long>(LANES, single ? in.width - j : in.channels - c),
                        (i + PAD) * row + (j + PAD) * step + c);
    }

    // A row's last vector may reach over the padding into the next row, which comes later, or the room behind the last.
    void read_images(const float* x) {
        each_vector([&](long from, long stride, long count, long turned) {
            for (int part = 0; part < BLOCK; part += LANES) {
                vf v[LANES];
                for (long k = 0; k < LANES; ++k) v[k] = k < count ? load(x + from + k * stride + part) : vf{};
                transpose(v);
                for (int k = 0; k < LANES; ++k) store_unaligned(images.get() + (part + k) * size + turned, v[k]);
            }
        });
    }

    void write_gradients(float* dx) {
        each_vector([&](long to, long stride, long count, long turned) {
            for (int part = 0; part < BLOCK; part += LANES) {
                vf v[LANES];
                for (int k = 0; k < LANES; ++k)
                    v[k] = load_unaligned(image_gradients.get() + (part + k) * size + turned);
                transpose(v);
                for (long k = 0; k < count; ++k) store(dx + to + k * stride + part, v[k]);
            }
        });
    }

    // Lists the items of every channel by image, and sums the gradients over the windows.
    void list(const float* y, const float* dy, const float* choice, float* bias_lanes) {
        for (long f = 0; f < out.channels; ++f)
            for (int part = 0; part < BLOCK; part += LANES) {
                vf sum = load(bias_lanes + f * BLOCK + part);
                long counts[LANES] = {};
                const auto take = [&](long first, long count) {
                    vf gradient[LANES], place[LANES];
                    for (long i = 0; i < LANES; ++i) {
                        const long at = (f * out.pixels() + first + i) * BLOCK + part;
                        gradient[i] = i < count ? load(dy + at) : vf{};
                        if (rectify && i < count) gradient[i] = load(y + at) > vf{} ? gradient[i] : vf{};
                        sum += gradient[i];
                    }
                    for (long i = 0; i < LANES; ++i) {
                        const long at = (f * out.pixels() + first + i) * BLOCK + part;
                        place[i] =
                            i < count ? (vf)(corners[first + i] + *reinterpret_cast<const vi*>(choice + at)) : vf{};
                    }
                    transpose(gradient), transpose(place);
                    for (int i = 0; i < LANES; ++i) {
                        float* to = items.get() + ((part + i) * out.channels + f) * 2 * room + counts[i];
                        counts[i] += keep_nonzero(gradient[i], place[i], to, to + room);
                    }
                };
                long first = 0;
                for (; first + LANES <= out.pixels(); first += LANES) take(first, LANES);
                if (first < out.pixels()) take(first, out.pixels() - first);
                store(bias_lanes + f * BLOCK + part, sum);
                for (int i = 0; i < LANES; ++i) lengths[(part + i) * out.channels + f] = counts[i];
            }
    }

    // Adds what items give to the sums of so many vectors of so many rows of the kernel.
    template <int ROWS, int COLUMNS>
    static void add_weights(Items items, const float* x, long row, long step, float* sums, long lanes) {
        constexpr int CHAINS = ROWS * COLUMNS < 6 ? 2 : 1;  // Of additions that do not wait for one another.
        vf sum[CHAINS][ROWS][COLUMNS] = {};
        const auto add = [&](int chain, long k) {
            const float* at = x + items.place[k];
            const vf gradient = splat(items.gradient[k]);
            for (int i = 0; i < ROWS; ++i)
                for (int j = 0; j < COLUMNS; ++j)
                    sum[chain][i][j] += gradient * load_unaligned(at + i * row + j * step);
        };
        long k = 0;
        for (; k + CHAINS <= items.count; k += CHAINS)
            for (int chain = 0; chain < CHAINS; ++chain) add(chain, k + chain);
        if (k < items.count) add(0, k);
        for (int i = 0; i < ROWS; ++i)
            for (int j = 0; j < COLUMNS; ++j, sums += lanes) {
                for (int chain = 1; chain < CHAINS; ++chain) sum[0][i][j] += sum[chain][i][j];
                store(sums, load(sums) + sum[0][i][j]);
            }
    }

    // Adds what they give to the inputs' gradient.
    template <int ROWS, int COLUMNS>
    static void add_inputs(Items items, float* dx, long row, long step, const float* weight, long lanes) {
        vf w[ROWS][COLUMNS];
        for (int i = 0; i < ROWS; ++i)
            for (int j = 0; j < COLUMNS; ++j, weight += lanes) w[i][j] = load(weight);
        for (long k = 0; k < items.count; ++k) {
            float* at = dx + items.place[k];
            const vf gradient = splat(items.gradient[k]);
            for (int i = 0; i < ROWS; ++i)
                for (int j = 0; j < COLUMNS; ++j) {
                    float* pixel = at + i * row + j * step;
                    store_unaligned(pixel, load_unaligned(pixel) + gradient * w[i][j]);
                }
        }
    }

    template <int COLUMNS>
    void visit(long lane, bool needs_dx) {
        constexpr int HELD = std::min(R, SUMS / COLUMNS);  // Rows whose vectors fit the registers.
        const auto take = [&](auto rows, Items items, long f, long first, long c) {
            constexpr int ROWS = decltype(rows)::value;
            const long w = (f * taps + first * COLUMNS) * lanes + c, at = lane * size + first * row + c;
            add_weights<ROWS, COLUMNS>(items, images.get() + at, row, step, sums.get() + w, lanes);
            if (needs_dx)
                add_inputs<ROWS, COLUMNS>(items, image_gradients.get() + at, row, step, weights.get() + w, lanes);
        };
        for (long f = 0; f < out.channels; ++f) {
            const long at = lane * out.channels + f;
            const float* gradient = items.get() + at * 2 * room;
            const Items here{gradient, reinterpret_cast<const place_t*>(gradient + room), lengths[at]};
            for (long c = 0; c < lanes; c += LANES) {
                long first = 0;
                for (; first + HELD <= R; first += HELD) take(std::integral_constant<int, HELD>{}, here, f, first, c);
                if constexpr (R % HELD) take(std::integral_constant<int, R % HELD>{}, here, f, first, c);
            }
        }
    }

   public:
    PooledGradients(Shape in_, Shape out_, bool rectify_)
        : in(in_),
          out(out_),
          rectify(rectify_),
          single(in.channels == 1),
          lanes(((single ? R : in.channels) + LANES - 1) / LANES * LANES),
          taps(single ? R : R * R),
          step(single ? 1 : lanes),
          row((in.width + 2 * PAD) * step),
          size((in.height + 2 * PAD) * row),
          room((out.pixels() + LANES - 1) / LANES * LANES),
          weights(out.channels * taps * lanes),
          sums(weights.size()),
          images(BLOCK * size + lanes),
          image_gradients(images.size()),
          items(BLOCK * out.channels * 2 * room),
          lengths(BLOCK * out.channels),
          corners(room) {
        for (long i = 0; i < out.pixels(); ++i) corners[i] = i / out.width * 2 * row + i % out.width * 2 * step;
    }

    void pack(const float* kernels) {
        each_weight([&](long weight, long turned) { weights.get()[turned] = kernels[weight]; });
    }

    void backward(const float* x, const float* y, const float* dy, float* dx, const float* choice, float* bias_lanes) {
        list(y, dy, choice, bias_lanes);
        read_images(x);
        if (dx) image_gradients.clear();
        for (long lane = 0; lane < BLOCK; ++lane) single ? visit<1>(lane, dx) : visit<R>(lane, dx);
        if (dx) write_gradients(dx);
    }

    // Adds the gradients of a step to those of the kernels.
    void finish(float* dg) {
        each_weight([&](long weight, long turned) { dg[weight] += sums.get()[turned]; });
        sums.clear();
    }
};

}  // namespace invsearch
