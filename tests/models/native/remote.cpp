// Serves the engine's C functions to emulated.py, which runs this program for another processor under an emulator.
//
// A call is a header, the bytes of all arrays of the caller, and where among them pointers to others are; the answer is
// the result and the same bytes afterwards. Nothing is kept between calls but the networks.

#include <cstdio>

#include "engine.cpp"

namespace {
constexpr long FUNCTIONS = 10, ARGUMENTS = 10;

struct Header {
    std::int64_t function, bytes, pointers;  // Bytes of arrays; pairs (place of a pointer, place of what it points at).
    std::int64_t arguments[ARGUMENTS];
    std::int64_t points[ARGUMENTS];  // Whether an argument is a place among the bytes.
};

union Result {
    std::int64_t integer;
    double number;
};

Result call(long function, const std::int64_t* a) {
    Result result{0};
    const auto network = reinterpret_cast<Network*>(a[0]);
    const auto arrays = reinterpret_cast<const Arrays*>(a[1]);
    const auto at = [&](int i) { return reinterpret_cast<float*>(a[i]); };
    const auto integers = [&](int i) { return reinterpret_cast<std::int64_t*>(a[i]); };
    const auto text = [&](int i) { return reinterpret_cast<char*>(a[i]); };
    if (function == 0) result.integer = invsearch_supported();
    if (function == 1) result.integer = invsearch_block();
    if (function == 2)
        result.integer = reinterpret_cast<std::int64_t>(
            invsearch_new(a[0], a[1], a[2], reinterpret_cast<const Step*>(a[3]), a[4], a[5], text(6)));
    if (function == 3) invsearch_delete(network);
    if (function == 4) result.integer = invsearch_workspace(network);
    if (function == 5) result.integer = network->output().floats();
    if (function == 6)
        result.number = invsearch_train(network, arrays, at(2), integers(3), integers(4), a[5], a[6],
                                        reinterpret_cast<const Sgd*>(a[7]), text(8));
    if (function == 7)
        result.number = invsearch_judge(network, arrays, at(2), integers(3), integers(4), a[5], integers(6), text(7));
    if (function == 8) invsearch_forward(network, arrays, at(2), at(3), a[4], at(5), a[6], text(7));
    if (function == 9)
        invsearch_backward(network, arrays, at(2), at(3), at(4), a[5], at(6), reinterpret_cast<float* const*>(a[7]),
                           text(8));
    return result;
}

template <class Kind>
bool read(Kind* to, long count = 1) {
    return std::fread(to, sizeof(Kind), count, stdin) == static_cast<std::size_t>(count);
}
}  // namespace

int main() {
    for (Header header; read(&header);) {
        Buffer memory(header.bytes / sizeof(float) + 1);
        std::vector<std::int64_t> pointers(2 * header.pointers);
        char* const start = reinterpret_cast<char*>(memory.get());
        if (header.function >= FUNCTIONS || !read(start, header.bytes) || !read(pointers.data(), pointers.size()))
            return std::fputs("a broken call\n", stderr), 1;
        const auto address = [&](std::int64_t place) { return reinterpret_cast<std::int64_t>(start + place); };
        for (std::size_t i = 0; i < pointers.size(); i += 2) {
            const std::int64_t target = address(pointers[i + 1]);
            std::memcpy(start + pointers[i], &target, sizeof target);
        }
        for (long i = 0; i < ARGUMENTS; ++i)
            if (header.points[i]) header.arguments[i] = address(header.arguments[i]);
        const Result result = call(header.function, header.arguments);
        std::fwrite(&result, sizeof result, 1, stdout);
        std::fwrite(start, 1, header.bytes, stdout);
        std::fflush(stdout);
    }
}
