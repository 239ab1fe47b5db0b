/* The wall clock as the bench wants it; all other clocks go on. */
#include "shim.h"
#include <sys/time.h>
#include <time.h>

#define SECOND INT64_C(1000000000)

SHOWN int clock_gettime(clockid_t which, struct timespec *told) {
    int done = syscall(SYS_clock_gettime, which, told);
    const struct wall_clock *clock = &control->clocks[slot];
    if (done || (which != CLOCK_REALTIME && which != CLOCK_REALTIME_COARSE) || !clock->mode)
        return done;
    int64_t now = told->tv_sec * SECOND + told->tv_nsec;
    if (clock->mode == CLOCK_BACKWARDS) now = clock->since_ns - (now - clock->since_ns);
    if (clock->mode == CLOCK_FROZEN) now = clock->since_ns;
    now += clock->offset_ns;
    told->tv_sec = now / SECOND;
    told->tv_nsec = now % SECOND;
    return 0;
}
SHOWN time_t time(time_t *told) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (told) *told = now.tv_sec;
    return now.tv_sec;
}
SHOWN int gettimeofday(struct timeval *told, void *zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    told->tv_sec = now.tv_sec;
    told->tv_usec = now.tv_nsec / 1000;
    return 0;
}
