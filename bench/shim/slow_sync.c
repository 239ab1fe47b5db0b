/* Makes the syncs of a journal slow: loaded before the C library, for the overload figure only. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Whether a file lies in a folder called journal; sled's files go on as they are. */
static int is_journal(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, "/journal/") != NULL;
}

__attribute__((visibility("default"))) int fdatasync(int file) {
    const char *wait_us = getenv("SLOW_SYNC_US");
    if (wait_us != NULL && is_journal(file)) usleep((useconds_t)atoi(wait_us));
    return (int)syscall(SYS_fdatasync, file);
}
