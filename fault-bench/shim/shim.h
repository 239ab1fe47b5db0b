/* What the parts of the shim share, and the words that shim.rs writes and trace.rs reads. */
#ifndef SHIM_H
#define SHIM_H
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Everything else is hidden, so that it takes no call of the service's own libraries. */
#define SHOWN __attribute__((visibility("default")))
#define SLOTS 2

/* What the bench says; shim.rs writes these words by their position. */
struct fault {
    uint64_t classes; /* which operations fail; 0: none */
    uint64_t error;   /* errno */
    uint64_t skip;    /* so many of them succeed before */
    uint64_t times;   /* so many fail */
    uint64_t hits;    /* so many failed */
    uint64_t passed;  /* so many of these classes were tried since the bench asked */
};
struct wall_clock {
    uint64_t mode;
    int64_t since_ns;  /* when the mode began, by the true clock */
    int64_t offset_ns; /* what is added */
};
struct control {
    uint64_t is_cut;
    uint64_t operations;
    uint64_t cut_at; /* 0: never */
    struct fault faults[SLOTS];
    struct wall_clock clocks[SLOTS];
};
enum { CLASS_WRITE = 1, CLASS_SYNC = 2, CLASS_RENAME = 4, CLASS_GROW = 8, CLASS_REMOVE = 16 };
enum { CLOCK_TRUE, CLOCK_SHIFTED, CLOCK_BACKWARDS, CLOCK_FROZEN };

enum kind {
    OPEN = 1, CREATE, WRITE, ZEROS, LENGTH, SYNC, SYNC_FAILED, RENAME, REMOVE, LINK, FOLDER, BLIND
};
struct record {
    uint32_t magic;
    uint16_t kind;
    uint16_t path_bytes;
    uint16_t other_bytes;
    uint16_t unused;
    uint32_t data_bytes;
    uint64_t inode;
    uint64_t offset;
    uint64_t length;
};
#define MAGIC 0x31544c46u /* "FLT1" */


extern struct control *control;
extern unsigned slot;

void lock(void);
void unlock(void);
int step(uint64_t classes);
int failed(int error);
uint64_t trace_end(void);
void note(enum kind kind, uint64_t inode, uint64_t offset, uint64_t length, const char *path,
          const char *other, const void *data, size_t bytes);
const char *inside(int at, const char *path, char *buffer);
int is_seen(uint64_t inode, int add);
uint64_t inode_of(int fd);
#endif
