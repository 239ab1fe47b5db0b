/* Stands between a service and its disk and clock, for the fault bench.
 *
 * Loaded with LD_PRELOAD over a whole binary, so that what sled and SQLite do is seen as well as
 * what our own code does. For files under one folder it
 *   - writes every change and every sync, in their order, to a trace from which the bench makes
 *     the folder as a power cut would have left it (fault-bench/src/real/trace.rs reads it);
 *   - cuts the power at the n-th operation: all processes with the same control file die;
 *   - lets the n-th operation of a class fail.
 * Besides it moves the wall clock. All this is told through a small file that is mapped by every
 * process and written by the bench. Calls go to the kernel directly, never through libc again.
 *
 * Variables: FAULTS_FOLDER, FAULTS_TRACE (none: nothing is recorded), FAULTS_CONTROL, FAULTS_SLOT.
 */
#include "shim.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>

static struct control nowhere;
struct control *control = &nowhere;
unsigned slot;
static char folder[PATH_MAX];
static size_t folder_bytes;
static dev_t device;
static int trace = -1;
static uint64_t trace_bytes;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* Inode numbers of files under the folder that were ever opened. */
#define SEEN_MAX 65536
static uint64_t seen[SEEN_MAX];

int is_seen(uint64_t inode, int add) {
    for (uint64_t i = inode * 0x9e3779b97f4a7c15u >> 48, n = 0; n < SEEN_MAX; i++, n++) {
        uint64_t *place = &seen[i % SEEN_MAX];
        if (*place == inode) return 1;
        if (*place == 0) {
            if (add) *place = inode;
            return add;
        }
    }
    abort();
}

__attribute__((constructor)) static void begin(void) {
    const char *named = getenv("FAULTS_FOLDER"), *to = getenv("FAULTS_TRACE");
    const char *told = getenv("FAULTS_CONTROL"), *number = getenv("FAULTS_SLOT");
    slot = number && *number == '1';
    if (told) {
        int fd = syscall(SYS_openat, AT_FDCWD, told, O_RDWR | O_CLOEXEC, 0);
        void *mapped = fd < 0 ? MAP_FAILED
                              : mmap(0, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (mapped == MAP_FAILED) abort();
        control = mapped;
    }
    struct stat found;
    if (!named || stat(named, &found)) return;
    device = found.st_dev;
    if (to) {
        int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
        if ((trace = syscall(SYS_openat, AT_FDCWD, to, flags, 0600)) < 0) abort();
        trace_bytes = lseek(trace, 0, SEEK_END);
    }
    is_seen(found.st_ino, 1);
    snprintf(folder, sizeof folder, "%s", named);
    folder_bytes = strlen(folder);
}

static void die(void) {
    for (;;) syscall(SYS_kill, getpid(), SIGKILL);
}

void lock(void) {
    pthread_mutex_lock(&mutex);
    if (__atomic_load_n(&control->is_cut, __ATOMIC_SEQ_CST)) die();
}

void unlock(void) { pthread_mutex_unlock(&mutex); }

/* Counts an operation, at which the power may go; an error number if it is to fail. */
int step(uint64_t classes) {
    uint64_t count = __atomic_add_fetch(&control->operations, 1, __ATOMIC_SEQ_CST);
    if (control->cut_at && count >= control->cut_at) {
        __atomic_store_n(&control->is_cut, 1, __ATOMIC_SEQ_CST);
        die();
    }
    struct fault *fault = &control->faults[slot];
    if (!(fault->classes & classes)) return 0;
    fault->passed++;
    if (fault->skip) return fault->skip--, 0;
    if (!fault->times) return 0;
    fault->times--;
    fault->hits++;
    return fault->error;
}

/* Where the next record goes: all records before it are of earlier operations. */
uint64_t trace_end(void) { return trace_bytes; }

int failed(int error) {
    errno = error;
    return -1;
}

void note(enum kind kind, uint64_t inode, uint64_t offset, uint64_t length,
                 const char *path, const char *other, const void *data, size_t bytes) {
    if (trace < 0) return;
    struct record record = {
        .magic = MAGIC, .kind = kind, .path_bytes = path ? strlen(path) : 0,
        .other_bytes = other ? strlen(other) : 0, .data_bytes = bytes,
        .inode = inode, .offset = offset, .length = length,
    };
    struct iovec parts[] = {
        {&record, sizeof record}, {(char *)path, record.path_bytes},
        {(char *)other, record.other_bytes}, {(void *)data, bytes},
    };
    size_t all = sizeof record + record.path_bytes + record.other_bytes + bytes;
    if (syscall(SYS_writev, trace, parts, 4) != (ssize_t)all) abort();
    trace_bytes += all;
}

/* The path below the folder, or 0 if it leads elsewhere. */
const char *inside(int at, const char *path, char *buffer) {
    if (!folder_bytes || !path || !*path) return 0;
    int is_long = 0;
    if (*path == '/') {
        is_long = snprintf(buffer, PATH_MAX, "%s", path) >= PATH_MAX;
    } else {
        char name[64], base[PATH_MAX];
        ssize_t bytes;
        if (at == AT_FDCWD) snprintf(name, sizeof name, "/proc/self/cwd");
        else snprintf(name, sizeof name, "/proc/self/fd/%d", at);
        if ((bytes = readlink(name, base, sizeof base - 1)) < 0) return 0;
        base[bytes] = 0;
        is_long = snprintf(buffer, PATH_MAX, "%s/%s", base, path) >= PATH_MAX;
    }
    if (is_long || strncmp(buffer, folder, folder_bytes)) return 0;
    const char *below = buffer + folder_bytes;
    if (*below && *below != '/') return 0;
    if (strstr(below, "/../") || strstr(below, "//")) note(BLIND, 0, 0, 0, below, 0, 0, 0);
    return *below ? below + 1 : below;
}

/* The inode of a file under the folder, or 0. */
uint64_t inode_of(int fd) {
    struct stat found;
    if (!folder_bytes || fstat(fd, &found) || found.st_dev != device) return 0;
    if (!S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode)) return 0;
    lock();
    int known = is_seen(found.st_ino, 0);
    unlock();
    return known ? found.st_ino : 0;
}

