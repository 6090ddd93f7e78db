/* c-means and fuzzy c-means (fuzzifier 2) of an 8-bit gray image over MPI: what a C programmer writes who visits
 * every pixel each round. Each rank holds an equal share of the pixels; a round is one local pass and one
 * MPI_Allreduce of ten numbers.
 *
 * cmeans_mpi cmeans|fuzzy PIXELS.raw COUNT EPSILON REPEATS
 *
 * Prints one JSON object: seconds of each repetition (pixels in memory -> converged centers, the slowest rank),
 * rows as in the paper's tables (row 1 holds the initial centers), centers of the last row. */
#include <math.h>
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 3, CMEANS_BLOCK = 256, FUZZY_BLOCK = 4096, MAX_ROWS = 300 };

/* Results of a pass: sum of values, weight of each class, and the objective behind them. */
enum { SUM = 0, WEIGHT = CLASSES, OBJECTIVE = 2 * CLASSES, RESULTS = 2 * CLASSES + 1 };

/* The nearest center of a whole number is told by comparing it with the midpoints; the centers ascend. A block's sums
 * fit into 16 bits (256 pixels of at most 255), which fills the vector unit. Its stopping rule needs no objective. */
static void cmeans_block(const uint8_t *pixels, int count, const float *centers, double *results)
{
    const float low = floorf((centers[0] + centers[1]) / 2), high = floorf((centers[1] + centers[2]) / 2);
    const uint8_t last0 = (uint8_t)low, last1 = (uint8_t)high;
    uint16_t sum = 0, sum1 = 0, sum2 = 0, number1 = 0, number2 = 0;
    for (int j = 0; j < count; j++) {
        const uint8_t x = pixels[j];
        const uint8_t above0 = x > last0, above1 = x > last1;
        sum += x;
        sum1 += above0 ? x : 0;
        sum2 += above1 ? x : 0;
        number1 += above0;
        number2 += above1;
    }
    results[SUM + 0] += sum - sum1;
    results[SUM + 1] += sum1 - sum2;
    results[SUM + 2] += sum2;
    results[WEIGHT + 0] += count - number1;
    results[WEIGHT + 1] += number1 - number2;
    results[WEIGHT + 2] += number2;
}

/* A block's sums are kept in 32 bits, like all here that is done for each pixel; blocks are summed in 64. */
static void fuzzy_block(const uint8_t *pixels, int count, const float *centers, double *results)
{
    float sum0 = 0, sum1 = 0, sum2 = 0, weight0 = 0, weight1 = 0, weight2 = 0, objective = 0;
    const float c0 = centers[0], c1 = centers[1], c2 = centers[2];
    const float tiny = 1e-12f; /* a pixel on a center: its membership rounds to 1 */
    for (int j = 0; j < count; j++) {
        const float x = pixels[j];
        const float e0 = x - c0, e1 = x - c1, e2 = x - c2;
        const float d0 = e0 * e0 + tiny, d1 = e1 * e1 + tiny, d2 = e2 * e2 + tiny;
        /* u_k = (1/d_k) / sum(1/d_i), over a common denominator: one division a pixel. */
        const float n0 = d1 * d2, n1 = d0 * d2, n2 = d0 * d1;
        const float whole = 1 / (n0 + n1 + n2);
        const float u0 = n0 * whole, u1 = n1 * whole, u2 = n2 * whole;
        const float m0 = u0 * u0, m1 = u1 * u1, m2 = u2 * u2;
        sum0 += m0 * x;
        sum1 += m1 * x;
        sum2 += m2 * x;
        weight0 += m0;
        weight1 += m1;
        weight2 += m2;
        objective += m0 * fabsf(e0) + m1 * fabsf(e1) + m2 * fabsf(e2);
    }
    const float sum[CLASSES] = {sum0, sum1, sum2}, weight[CLASSES] = {weight0, weight1, weight2};
    for (int k = 0; k < CLASSES; k++) {
        results[SUM + k] += sum[k];
        results[WEIGHT + k] += weight[k];
    }
    results[OBJECTIVE] += objective;
}

/* One pass over this rank's pixels, summed over all ranks. */
static void pass(int fuzzy, const uint8_t *pixels, long count, const double *centers, double *results)
{
    const int most = fuzzy ? FUZZY_BLOCK : CMEANS_BLOCK;
    float near[CLASSES];
    double mine[RESULTS] = {0};
    for (int k = 0; k < CLASSES; k++)
        near[k] = (float)centers[k];
    for (long at = 0; at < count; at += most) {
        const int block = count - at < most ? (int)(count - at) : most;
        if (fuzzy)
            fuzzy_block(pixels + at, block, near, mine);
        else
            cmeans_block(pixels + at, block, near, mine);
    }
    MPI_Allreduce(mine, results, RESULTS, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

static double center_sum(const double *centers)
{
    return centers[0] + centers[1] + centers[2];
}

/* Iterates to the end; returns the rows. c-means stops when the sum of the centers rests, fuzzy c-means when the
 * objective does; the latter is known one pass later, so its last pass moves no center. */
static int fit(int fuzzy, const uint8_t *pixels, long count, double epsilon, double *centers)
{
    double results[RESULTS], before = 0;
    int row;
    for (row = 1; row < MAX_ROWS; row++) {
        const double sum = center_sum(centers);
        pass(fuzzy, pixels, count, centers, results);
        if (fuzzy && row > 1 && fabs(results[OBJECTIVE] - before) < epsilon)
            return row;
        before = results[OBJECTIVE];
        for (int k = 0; k < CLASSES; k++)
            if (results[WEIGHT + k] > 0)
                centers[k] = results[SUM + k] / results[WEIGHT + k];
        if (!fuzzy && fabs(center_sum(centers) - sum) < epsilon)
            return row + 1;
    }
    return row;
}

static void fail(const char *message)
{
    fprintf(stderr, "cmeans_mpi: %s\n", message);
    MPI_Abort(MPI_COMM_WORLD, 2);
    exit(2);
}

int main(int argc, char **argv)
{
    int rank, ranks, rows = 0;
    double centers[CLASSES] = {0};
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (argc != 6)
        fail("usage: cmeans_mpi cmeans|fuzzy PIXELS.raw COUNT EPSILON REPEATS");
    const int fuzzy = strcmp(argv[1], "fuzzy") == 0, repeats = atoi(argv[5]);
    const long all = atol(argv[3]);
    const double epsilon = atof(argv[4]);

    const long first = all * rank / ranks, count = all * (rank + 1) / ranks - first;
    uint8_t *pixels = malloc(count > 0 ? (size_t)count : 1);
    FILE *file = fopen(argv[2], "rb");
    if (!pixels || !file || fseek(file, first, SEEK_SET) != 0 ||
        fread(pixels, 1, (size_t)count, file) != (size_t)count)
        fail("cannot read the pixels");
    fclose(file);

    if (rank == 0)
        printf("{\"seconds\": [");
    for (int repeat = 0; repeat < repeats; repeat++) {
        double seconds, slowest;
        centers[0] = 1.2, centers[1] = 2.5, centers[2] = 3.8;
        MPI_Barrier(MPI_COMM_WORLD);
        seconds = MPI_Wtime();
        rows = fit(fuzzy, pixels, count, epsilon, centers);
        seconds = MPI_Wtime() - seconds;
        MPI_Reduce(&seconds, &slowest, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
        if (rank == 0)
            printf("%s%.9f", repeat ? ", " : "", slowest);
    }
    if (rank == 0)
        printf("], \"rows\": %d, \"centers\": [%.17g, %.17g, %.17g]}\n", rows, centers[0], centers[1], centers[2]);
    free(pixels);
    MPI_Finalize();
    return 0;
}
