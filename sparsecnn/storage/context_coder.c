/* The context coder of packed files: a binary range coder whose probabilities come from an additive logistic model.
 *
 * docs/packed-format.md specifies it. All arithmetic is on integers, so that every machine reads the same bytes.
 * context_coder.py does the same in Python, slowly; the tests hold the two together.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What one context adds to the log-odds of a one, in 1/65536 nats, and how much has been seen in it. */
typedef struct {
    int32_t weight;
    uint32_t evidence;
} term;

enum { ONE = 1 << 16, FIRST_EVIDENCE = 3 * ONE, MOST_EVIDENCE = 128 * ONE, LARGEST_LOGIT = 11 * ONE - 1 };
enum { NODES = 256, MOST_OVERRUN = 4 };

/* 65536 / (1 + exp(-i / 4)), rounded, at most 65535. */
static const uint16_t LOGISTIC[45] = {
    32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724, 59287, 60565, 61598, 62428, 63090, 63615,
    64030, 64357, 64614, 64816, 64974, 65097, 65194, 65269, 65328, 65374, 65410, 65438, 65459, 65476, 65489,
    65500, 65508, 65514, 65519, 65523, 65526, 65528, 65530, 65531, 65532, 65533, 65534, 65534, 65535, 65535};

typedef struct {
    uint32_t low, high, code;
    uint8_t *data;
    int64_t size, at;
    int decodes;
} coder;

static void reset(term *terms, int64_t count) {
    for (int64_t i = 0; i < count; i++) terms[i] = (term){0, FIRST_EVIDENCE};
}

static int64_t probability(int64_t logit) {
    int64_t distance = logit < 0 ? -logit : logit;
    if (distance > LARGEST_LOGIT) distance = LARGEST_LOGIT;
    const uint16_t *near = LOGISTIC + (distance >> 14);
    int64_t upper = near[0] + (((near[1] - near[0]) * (distance & 16383)) >> 14);
    return logit < 0 ? ONE - upper : upper;
}

static uint8_t next_byte(coder *c) {
    uint8_t byte = c->at < c->size ? c->data[c->at] : 0;
    c->at++;
    return byte;
}

static void put_byte(coder *c, uint32_t byte) {
    if (c->at < c->size) c->data[c->at] = (uint8_t)byte;
    c->at++;
}

static void start(coder *c, uint8_t *data, int64_t size, int decodes) {
    *c = (coder){.low = 0, .high = 0xffffffffu, .data = data, .size = size, .decodes = decodes};
    if (decodes)
        for (int i = 0; i < 4; i++) c->code = c->code << 8 | next_byte(c);
}

/* Writes the fewest bytes behind which a reader may imagine zeros; returns the bytes in all. */
static int64_t finish(coder *c) {
    int shift = 24;
    while (c->high >> shift << shift < c->low) shift -= 8;
    for (int at = 24; at >= shift; at -= 8) put_byte(c, c->high >> at & 255);
    return c->at;
}

static int is_overrun(const coder *c) { return c->at > c->size + MOST_OVERRUN; }

/* Codes one bit under the sum of `terms`, which then learn it; returns the bit. */
static int code_bit(coder *c, term *const *terms, int count, int64_t offset, int bit) {
    int64_t logit = offset;
    for (int i = 0; i < count; i++) logit += terms[i]->weight;
    int64_t one = probability(logit);
    uint32_t range = c->high - c->low;
    uint32_t middle = c->low + (uint32_t)((uint64_t)range * (uint64_t)one >> 16);
    if (c->decodes) bit = c->code <= middle;
    if (bit)
        c->high = middle;
    else
        c->low = middle + 1;
    while ((c->low ^ c->high) >> 24 == 0) {
        if (c->decodes)
            c->code = c->code << 8 | next_byte(c);
        else
            put_byte(c, c->high >> 24);
        c->low <<= 8;
        c->high = c->high << 8 | 255;
    }
    int64_t error = (bit ? ONE : 0) - one;
    uint32_t seen = (uint32_t)(one * (ONE - one) >> 16);
    for (int i = 0; i < count; i++) {
        term *t = terms[i];
        t->evidence = t->evidence + seen > MOST_EVIDENCE ? MOST_EVIDENCE : t->evidence + seen;
        t->weight += (int32_t)(error * ONE / (int64_t)t->evidence);
    }
    return bit;
}

/* ---- masks ---- */

/* The neighbours of a weight within its kernel: left, up, up left, up right, two left, two up. */
static int neighbourhood(const uint8_t *row, int64_t at, int place, int width) {
    int x = place % width, y = place / width;
    int left = x > 0 && row[at - 1], up = y > 0 && row[at - width];
    int up_left = x > 0 && y > 0 && row[at - width - 1], up_right = y > 0 && x + 1 < width && row[at - width + 1];
    int left2 = x > 1 && row[at - 2], up2 = y > 1 && row[at - 2 * width];
    return left | up << 1 | up_left << 2 | up_right << 3 | left2 << 4 | up2 << 5;
}

typedef struct {
    coder coder;
    int64_t rows, columns, area, width, row, column, offset;
    term *of_row, *of_channel, *of_place, *of_neighbours;
    uint8_t *line;
} mask_coder;

void mask_close(mask_coder *m) {
    if (m == NULL) return;
    free(m->of_row);
    free(m->line);
    free(m);
}

/* A coder of masks of rows x columns, `area` columns an input channel, `width` a line of its kernel; NULL: no memory. */
mask_coder *mask_open(uint8_t *data, int64_t size, int64_t rows, int64_t columns, int64_t area, int64_t width,
                      int64_t offset, int decodes) {
    mask_coder *m = calloc(1, sizeof *m);
    if (m == NULL) return NULL;
    int64_t channels = columns / area, count = rows + channels + area + 64;
    m->of_row = malloc((size_t)count * sizeof(term));
    m->line = malloc((size_t)columns + 1);
    if (m->of_row == NULL || m->line == NULL) {
        mask_close(m);
        return NULL;
    }
    reset(m->of_row, count);
    m->of_channel = m->of_row + rows;
    m->of_place = m->of_channel + channels;
    m->of_neighbours = m->of_place + area;
    m->rows = rows, m->columns = columns, m->area = area, m->width = width, m->offset = offset;
    start(&m->coder, data, size, decodes);
    return m;
}

static int mask_bit(mask_coder *m, int bit) {
    int place = (int)(m->column % m->area);
    term *terms[4] = {m->of_row + m->row, m->of_channel + m->column / m->area, m->of_place + place,
                      m->of_neighbours + neighbourhood(m->line, m->column, place, (int)m->width)};
    bit = code_bit(&m->coder, terms, 4, m->offset, bit);
    m->line[m->column] = (uint8_t)bit;
    if (++m->column == m->columns) m->column = 0, m->row++;
    return bit;
}

/* Encodes the ascending `positions` of all ones; returns the bytes needed, of which at most `size` were written. */
int64_t mask_encode(mask_coder *m, const int32_t *positions, int64_t count) {
    int64_t next = 0, all = m->rows * m->columns;
    for (int64_t at = 0; at < all; at++) {
        int bit = next < count && positions[next] == at;
        next += mask_bit(m, bit);
    }
    return finish(&m->coder);
}

/* Decodes up to `room` further positions; returns how many, -1 when the data are damaged; fewer than `room`: the end. */
int64_t mask_decode(mask_coder *m, int32_t *positions, int64_t room) {
    int64_t found = 0;
    while (found < room && m->row < m->rows) {
        int64_t at = m->row * m->columns + m->column;
        if (mask_bit(m, 0)) positions[found++] = (int32_t)at;
        if (is_overrun(&m->coder)) return -1;
    }
    return found;
}

/* ---- values ---- */

typedef struct {
    int64_t rows, columns, area, width;
    int bits;
    term *of_node, *of_row, *of_near, *of_signs; /* [NODES], [rows][NODES], [NODES + 1][NODES], SIGN_TERMS */
    uint16_t *symbols;                           /* of this row, one more than the symbol; 0: no weight here */
    uint8_t *signs;                              /* of this row: 0 none, 1 positive, 2 negative */
} value_model;

enum { LEFT = 0, UP = 3, UP_LEFT = 6, UP_RIGHT = 9, BEFORE = 12, JOINT = 15, SIGN_TERMS = 15 + 81 };

static int code_symbol(coder *c, value_model *m, int64_t row, int near, int symbol) {
    int node = 1;
    for (int level = m->bits - 1; level >= 0; level--) {
        term *terms[3] = {m->of_node + node, m->of_row + row * NODES + node, m->of_near + near * NODES + node};
        node = node << 1 | code_bit(c, terms, 3, 0, symbol >> level & 1);
    }
    return node - (1 << m->bits);
}

static int code_sign(coder *c, value_model *m, int64_t column, int place, int sign) {
    int width = (int)m->width, x = place % width, y = place / width;
    const uint8_t *here = m->signs + column;
    int left = x > 0 ? here[-1] : 0, up = y > 0 ? here[-width] : 0, up_left = x > 0 && y > 0 ? here[-width - 1] : 0;
    int up_right = y > 0 && x + 1 < width ? here[-width + 1] : 0, before = column >= m->area ? here[-m->area] : 0;
    term *t = m->of_signs;
    term *terms[6] = {t + LEFT + left,         t + UP + up,         t + UP_LEFT + up_left,
                      t + UP_RIGHT + up_right, t + BEFORE + before, t + JOINT + left + 3 * up + 9 * up_left + 27 * before};
    return code_bit(c, terms, 6, 0, sign);
}

static int code_values(coder *c, value_model *m, const int32_t *positions, int64_t count, uint8_t *symbols,
                       uint8_t *signs) {
    int64_t row = -1;
    for (int64_t i = 0; i < count; i++) {
        int64_t column = positions[i] % m->columns;
        if (positions[i] / m->columns != row) {
            row = positions[i] / m->columns;
            memset(m->symbols, 0, (size_t)m->columns * sizeof *m->symbols);
            memset(m->signs, 0, (size_t)m->columns);
        }
        int place = (int)(column % m->area), near = 0;
        if (place % m->width > 0) near = m->symbols[column - 1];
        if (near == 0 && place >= m->width) near = m->symbols[column - m->width];
        symbols[i] = (uint8_t)code_symbol(c, m, row, near, symbols[i]);
        m->symbols[column] = (uint16_t)(symbols[i] + 1);
        if (signs != NULL) {
            signs[i] = (uint8_t)code_sign(c, m, column, place, signs[i]);
            m->signs[column] = (uint8_t)(signs[i] + 1);
        }
        if (c->decodes && is_overrun(c)) return -1;
    }
    return 0;
}

/* Encodes or decodes symbols of `bits` bits and, unless NULL, signs, of the weights at the ascending `positions`.
 * Returns the bytes needed when encoding, 0 when decoding, -1 for damaged data, -2 when there is no memory. */
int64_t values_code(uint8_t *data, int64_t size, int64_t rows, int64_t columns, int64_t area, int64_t width,
                    int64_t bits, const int32_t *positions, int64_t count, uint8_t *symbols, uint8_t *signs,
                    int decodes) {
    int64_t terms = NODES * (1 + rows + NODES + 1) + SIGN_TERMS, done = -2;
    value_model m = {.rows = rows, .columns = columns, .area = area, .width = width, .bits = (int)bits};
    m.of_node = malloc((size_t)terms * sizeof(term));
    m.symbols = malloc((size_t)columns * sizeof *m.symbols);
    m.signs = malloc((size_t)columns);
    if (m.of_node != NULL && m.symbols != NULL && m.signs != NULL) {
        coder c;
        reset(m.of_node, terms);
        m.of_row = m.of_node + NODES;
        m.of_near = m.of_row + rows * NODES;
        m.of_signs = m.of_near + (NODES + 1) * NODES;
        start(&c, data, size, decodes);
        done = code_values(&c, &m, positions, count, symbols, signs);
        if (done == 0 && !decodes) done = finish(&c);
    }
    free(m.of_node);
    free(m.symbols);
    free(m.signs);
    return done;
}
