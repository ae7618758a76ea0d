/* Sparse convolution: 8 columns x TILE_ROWS rows of one output channel stay in registers while its nonzeros pass by. */
#include "step.h"
#include "segments.h"

/* Where a tile begins: in the input, in what is added, in the output; how many of the 8 columns exist. */
struct tile {
    const float *in, *other;
    float *out;
    int columns;
};

/* `row` must not have its address taken here, or the sums would not be registers. */
INLINE void store_few(float *to, const vec row[PARTS], int columns)
{
    vec copy[PARTS];
    UNROLL
    for (int p = 0; p < PARTS; p++) copy[p] = row[p];
    copy_few(to, (const float *)copy, columns);
}

typedef vec sums[TILE_ROWS][PARTS];

/* What the sums start from: bias and residual for the first part of the input channels, then what is there so far. */
INLINE void begin_sums(const struct step *step, const struct tile *tile, sums sums, const float *out, int channel,
                       int part, int rows)
{
    int added = channel - step->other_first;
    const float *from = part ? out : tile->other + added * step->other.channel;
    long pitch = part ? step->out.line : step->other.line;
    vec bias = splat(part ? 0.0f : step->bias[channel]);
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int p = 0; p < PARTS; p++) sums[r][p] = bias;
    if (part || (added >= 0 && added < step->other_channels))
        UNROLL
        for (int r = 0; r < rows; r++)
            UNROLL
            for (int p = 0; p < PARTS; p++) sums[r][p] += load(from + r * pitch + p * LANES);
}

INLINE void end_sums(const struct step *step, const struct tile *tile, sums sums, float *out, int part, int rows)
{
    long pitch = step->out.line;
    if (step->relu && part == step->parts - 1)
        UNROLL
        for (int r = 0; r < rows; r++)
            UNROLL
            for (int p = 0; p < PARTS; p++) sums[r][p] = positive(sums[r][p]);
    if (tile->columns < SEGMENT) {
        UNROLL
        for (int r = 0; r < rows; r++) store_few(out + r * pitch, sums[r], tile->columns);
        return;
    }
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int p = 0; p < PARTS; p++) store(out + r * pitch + p * LANES, sums[r][p]);
}

/* `rows` and `line` are constants where this is inlined: the sums are registers, the row offsets are immediate. */
INLINE void convolve_tile(const struct step *step, const struct tile *tile, float *out, int channel, int part, int rows,
                          long line)
{
    sums sums;
    const int32_t *starts = step->starts + part * (step->channels + 1) + channel;
    begin_sums(step, tile, sums, out, channel, part, rows);
    const struct nonzero *end = step->nonzeros + starts[1];
    for (const struct nonzero *n = step->nonzeros + starts[0]; n < end; n++) {
        const float *x = (const float *)((const char *)tile->in + n->offset);
        vec weight = splat(n->value);
        UNROLL
        for (int r = 0; r < rows; r++)
            UNROLL
            for (int p = 0; p < PARTS; p++) sums[r][p] += weight * load(x + r * line + p * LANES);
    }
    end_sums(step, tile, sums, out, part, rows);
}

/* All channels of one tile; a part of the input channels at a time, as many as fit in the L1 cache. */
typedef void tile_function(const struct step *, const struct tile *);

#define TILE_FUNCTION(name, rows, line)                                                              \
    static void name(const struct step *step, const struct tile *tile)                               \
    {                                                                                                \
        for (int part = 0; part < step->parts; part++)                                               \
            for (int c = 0; c < step->channels; c++)                                                 \
                convolve_tile(step, tile, tile->out + c * step->out.channel, c, part, rows, line);   \
    }

/* Lines of 16 floats: kernels 2 to 9 wide. Of 8: one wide. Longer: any. */
#define TILE_FUNCTIONS(rows)                        \
    TILE_FUNCTION(tile_##rows##_16, rows, 16)       \
    TILE_FUNCTION(tile_##rows##_8, rows, 8)         \
    TILE_FUNCTION(tile_##rows##_any, rows, step->in.line)

TILE_FUNCTIONS(1)
TILE_FUNCTIONS(2)
TILE_FUNCTIONS(4)
#define FOR_ROWS(rows, line) (line) == 16 ? tile_##rows##_16 : (line) == 8 ? tile_##rows##_8 : tile_##rows##_any

static tile_function *tile_of(int rows, long line)
{
    if (rows == 1) return FOR_ROWS(1, line);
    if (rows == 2) return FOR_ROWS(2, line);
    return FOR_ROWS(4, line);
}

#if defined(WITH_AVX2) || defined(__aarch64__)
TILE_FUNCTIONS(8)
static tile_function *widest_tile(long line) { return FOR_ROWS(8, line); }
#else
static tile_function *widest_tile(long line) { return FOR_ROWS(4, line); }
#endif

/* The shortest tile of at least `rows` rows, at most TILE_ROWS. */
INLINE int tile_rows(int rows)
{
    int tall = 1;
    while (tall < rows && tall < TILE_ROWS) tall *= 2;
    return tall;
}

INLINE void convolve_rows(const struct step *step, const float *scratch, float *out, int segment, int row, int rows)
{
    int columns = step->width - SEGMENT * segment;
    struct tile tile = {
        .in = scratch + step->in.offset + segment * step->in.segment + row * step->in.line,
        .other = scratch + step->other.offset + segment * step->other.segment + row * step->other.line,
        .out = out + segment * step->out.segment + row * step->out.line,
        .columns = columns < SEGMENT ? columns : SEGMENT,
    };
    tile_function *function = rows == TILE_ROWS ? widest_tile(step->in.line) : tile_of(rows, step->in.line);
    function(step, &tile);
}

/* Tiles are the outer loop: all channels read the same few input lines while these are in the L1 cache. The last tile
 * of a column may overlap the one above; it computes the same values again. */
static void convolve(const struct step *step, const float *scratch, float *out)
{
    for (int segment = 0; segment * SEGMENT < step->width; segment++) {
        int row = 0;
        for (; row + TILE_ROWS <= step->height; row += TILE_ROWS)
            convolve_rows(step, scratch, out, segment, row, TILE_ROWS);
        int rest = step->height - row;
        while (rest > 0) {
            int rows = tile_rows(rest);
            if (rows > step->height) rows /= 2;
            row = rows > rest ? step->height - rows : row;
            convolve_rows(step, scratch, out, segment, row, rows);
            row += rows;
            rest = step->height - row;
        }
    }
}
