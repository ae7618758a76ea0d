"""Functions in C that slide a window over one channel: a weight of a convolution, and poolings."""

WINDOW_TYPE = """\
/* Height and width of what a window slides over, of its result, and of the window. */
typedef struct {
    int32_t in_height, in_width, out_height, out_width, height, width;
    int32_t stride_y, stride_x, padding_y, padding_x, dilation_y, dilation_x;
} window;
"""

HELPERS = {
    "smaller": """\
static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}
""",
    "larger": """\
static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}
""",
    "fill": """\
static void fill(float *out, int32_t count, float value)
{
    for (int32_t i = 0; i < count; ++i) {
        out[i] = value;
    }
}
""",
    "steps_to": """\
/* How many steps of a stride it takes to go so far. */
static int32_t steps_to(int32_t distance, int32_t stride)
{
    return distance > 0 ? (distance + stride - 1) / stride : 0;
}
""",
    "add_tap": """\
/* Adds what one weight of a row contributes to the row's channel: `tap` counts the weights of the row. */
static void add_tap(const window *w, const float *in, float *out, int32_t tap, float weight)
{
    const int32_t area = w->height * w->width, at = tap % area;
    const int32_t y0 = at / w->width * w->dilation_y - w->padding_y;
    const int32_t x0 = at % w->width * w->dilation_x - w->padding_x;
    const int32_t first = steps_to(-x0, w->stride_x);
    const int32_t end = smaller(steps_to(w->in_width - x0, w->stride_x), w->out_width);
    const int32_t last_y = smaller(steps_to(w->in_height - y0, w->stride_y), w->out_height);
    const float *channel = in + tap / area * w->in_height * w->in_width;
    for (int32_t y = steps_to(-y0, w->stride_y); y < last_y; ++y) {
        const int32_t row = (y * w->stride_y + y0) * w->in_width + x0;
        for (int32_t x = first; x < end; ++x) {
            out[y * w->out_width + x] += weight * channel[row + x * w->stride_x];
        }
    }
}
""",
    "max_pool": """\
static void max_pool(const window *w, const float *in, float *out)
{
    for (int32_t y = 0; y < w->out_height; ++y) {
        for (int32_t x = 0; x < w->out_width; ++x) {
            float most = -INFINITY;
            for (int32_t ky = 0; ky < w->height; ++ky) {
                const int32_t row = y * w->stride_y - w->padding_y + ky * w->dilation_y;
                for (int32_t kx = 0; kx < w->width; ++kx) {
                    const int32_t column = x * w->stride_x - w->padding_x + kx * w->dilation_x;
                    if (row >= 0 && row < w->in_height && column >= 0 && column < w->in_width) {
                        const float value = in[row * w->in_width + column];
                        most = value > most || value != value ? value : most; /* NaN stays */
                    }
                }
            }
            out[y * w->out_width + x] = most;
        }
    }
}
""",
    "average": """\
/* The sum of a rectangle of a channel by a number. */
static float average(const float *in, int32_t width, int32_t top, int32_t bottom, int32_t left, int32_t right,
                     int32_t number)
{
    float sum = 0.0f;
    for (int32_t y = top; y < bottom; ++y) {
        for (int32_t x = left; x < right; ++x) {
            sum += in[y * width + x];
        }
    }
    return sum / (float)number;
}
""",
    "avg_pool": """\
/* As PyTorch counts: padding is part of a window if `counts_padding`, what lies behind the padding never is. */
static void avg_pool(const window *w, const float *in, float *out, int counts_padding)
{
    for (int32_t y = 0; y < w->out_height; ++y) {
        for (int32_t x = 0; x < w->out_width; ++x) {
            int32_t top = y * w->stride_y - w->padding_y, left = x * w->stride_x - w->padding_x;
            int32_t bottom = smaller(top + w->height, w->in_height + w->padding_y);
            int32_t right = smaller(left + w->width, w->in_width + w->padding_x);
            int32_t number = (bottom - top) * (right - left);
            top = larger(top, 0);
            left = larger(left, 0);
            bottom = smaller(bottom, w->in_height);
            right = smaller(right, w->in_width);
            if (!counts_padding) {
                number = (bottom - top) * (right - left);
            }
            out[y * w->out_width + x] = average(in, w->in_width, top, bottom, left, right, number);
        }
    }
}
""",
    "adaptive_avg_pool": """\
static void adaptive_avg_pool(const float *in, int32_t height, int32_t width, float *out, int32_t rows, int32_t columns)
{
    for (int32_t y = 0; y < rows; ++y) {
        const int32_t top = y * height / rows, bottom = steps_to((y + 1) * height, rows);
        for (int32_t x = 0; x < columns; ++x) {
            const int32_t left = x * width / columns, right = steps_to((x + 1) * width, columns);
            const int32_t number = (bottom - top) * (right - left);
            out[y * columns + x] = average(in, width, top, bottom, left, right, number);
        }
    }
}
""",
}
