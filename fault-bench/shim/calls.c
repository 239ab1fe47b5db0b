/* The calls that change a folder: each is counted, may fail or be the last, is made and noted. */
#include "shim.h"
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>

static int open_at(int at, const char *path, int flags, mode_t mode) {
    char buffer[PATH_MAX];
    const char *below = inside(at, path, buffer);
    if (!below) return syscall(SYS_openat, at, path, flags, mode);
    struct stat found;
    lock();
    int existed = !fstatat(at, path, &found, 0);
    int makes = flags & O_CREAT && !existed, empties = flags & O_TRUNC && existed;
    int error = makes || empties ? step(makes ? CLASS_GROW : CLASS_WRITE) : 0;
    int fd = error ? failed(error) : (int)syscall(SYS_openat, at, path, flags, mode);
    if (fd >= 0 && !fstat(fd, &found)) {
        is_seen(found.st_ino, 1);
        note(makes ? CREATE : OPEN, found.st_ino, S_ISDIR(found.st_mode), 0, below, 0, 0, 0);
        if (empties) note(LENGTH, found.st_ino, 0, 0, 0, 0, 0, 0);
        if (flags & (O_DSYNC | O_SYNC) || (flags & O_TMPFILE) == O_TMPFILE)
            note(BLIND, found.st_ino, 0, 0, below, 0, 0, 0);
    }
    unlock();
    return fd;
}

#define OPEN(name, signature, at, path)                     \
    SHOWN int name signature {                              \
        mode_t mode = 0;                                    \
        if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) { \
            va_list rest;                                   \
            va_start(rest, flags);                          \
            mode = va_arg(rest, mode_t);                    \
            va_end(rest);                                   \
        }                                                   \
        return open_at(at, path, flags, mode);              \
    }
OPEN(open, (const char *path, int flags, ...), AT_FDCWD, path)
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD, path)
OPEN(openat, (int at, const char *path, int flags, ...), at, path)
OPEN(openat64, (int at, const char *path, int flags, ...), at, path)
SHOWN int creat(const char *path, mode_t mode) {
    return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
SHOWN int creat64(const char *path, mode_t mode) { return creat(path, mode); }

static int is_zero(const char *bytes, size_t count) {
    return count > 64 && !bytes[0] && !memcmp(bytes, bytes + 1, count - 1);
}

/* Writes at a place, or where the file stands if that is negative. */
static ssize_t write_at(int fd, const void *bytes, size_t count, off_t place) {
    uint64_t inode = inode_of(fd);
    ssize_t done;
    struct stat found;
    if (!inode)
        return place < 0 ? syscall(SYS_write, fd, bytes, count)
                         : syscall(SYS_pwrite64, fd, bytes, count, place);
    lock();
    off_t from = place < 0 ? lseek(fd, 0, SEEK_CUR) : place;
    if (place < 0 && fcntl(fd, F_GETFL) & O_APPEND) from = -1;
    fstat(fd, &found);
    int grows = from < 0 || from + (off_t)count > found.st_size;
    int error = step(CLASS_WRITE | (grows ? CLASS_GROW : 0));
    /* What fails has often got half-way. */
    size_t wanted = error ? count / 2 : count;
    done = place < 0 ? syscall(SYS_write, fd, bytes, wanted)
                     : syscall(SYS_pwrite64, fd, bytes, wanted, place);
    if (done > 0) {
        if (place < 0) place = lseek(fd, 0, SEEK_CUR) - done;
        if (is_zero(bytes, done)) note(ZEROS, inode, place, done, 0, 0, 0, 0);
        else note(WRITE, inode, place, done, 0, 0, bytes, done);
    }
    if (error) done = failed(error);
    unlock();
    return done;
}

SHOWN ssize_t write(int fd, const void *bytes, size_t count) {
    return write_at(fd, bytes, count, -1);
}
SHOWN ssize_t pwrite(int fd, const void *bytes, size_t count, off_t place) {
    return write_at(fd, bytes, count, place);
}
SHOWN ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t place) {
    return write_at(fd, bytes, count, place);
}

/* The first part alone: a short write is what callers must expect. */
static const struct iovec *first(const struct iovec *parts, int count) {
    while (count > 1 && !parts->iov_len) parts++, count--;
    return parts;
}
SHOWN ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (count < 1 || !inode_of(fd)) return syscall(SYS_writev, fd, parts, count);
    parts = first(parts, count);
    return write_at(fd, parts->iov_base, parts->iov_len, -1);
}
SHOWN ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t place) {
    if (count < 1) return failed(EINVAL);
    parts = first(parts, count);
    return write_at(fd, parts->iov_base, parts->iov_len, place);
}
SHOWN ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t place) {
    return pwritev(fd, parts, count, place);
}

/* Callers fall back to reading and writing. */
SHOWN ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t bytes,
                              unsigned flags) {
    if (inode_of(out)) return failed(ENOSYS);
    return syscall(SYS_copy_file_range, in, from, out, to, bytes, flags);
}
SHOWN ssize_t sendfile(int out, int in, off_t *from, size_t bytes) {
    return inode_of(out) ? failed(EINVAL) : syscall(SYS_sendfile, out, in, from, bytes);
}
SHOWN ssize_t sendfile64(int out, int in, off64_t *from, size_t bytes) {
    return sendfile(out, in, from, bytes);
}

static int resize(int fd, off_t length) {
    uint64_t inode = inode_of(fd);
    struct stat found;
    if (!inode) return syscall(SYS_ftruncate, fd, length);
    lock();
    fstat(fd, &found);
    int error = step(length > found.st_size ? CLASS_GROW : CLASS_WRITE);
    int done = error ? failed(error) : (int)syscall(SYS_ftruncate, fd, length);
    if (!done) note(LENGTH, inode, length, 0, 0, 0, 0, 0);
    unlock();
    return done;
}
SHOWN int ftruncate(int fd, off_t length) { return resize(fd, length); }
SHOWN int ftruncate64(int fd, off64_t length) { return resize(fd, length); }

static int allocate(int fd, int mode, off_t from, off_t bytes) {
    uint64_t inode = inode_of(fd);
    struct stat found;
    if (!inode) return syscall(SYS_fallocate, fd, mode, from, bytes);
    lock();
    int error = step(CLASS_GROW);
    int done = error ? failed(error) : (int)syscall(SYS_fallocate, fd, mode, from, bytes);
    if (!done && (mode & ~FALLOC_FL_KEEP_SIZE)) note(BLIND, inode, 0, 0, "fallocate", 0, 0, 0);
    if (!done && !fstat(fd, &found)) note(LENGTH, inode, found.st_size, 0, 0, 0, 0, 0);
    unlock();
    return done;
}
SHOWN int fallocate(int fd, int mode, off_t from, off_t bytes) {
    return allocate(fd, mode, from, bytes);
}
SHOWN int fallocate64(int fd, int mode, off64_t from, off64_t bytes) {
    return allocate(fd, mode, from, bytes);
}
SHOWN int posix_fallocate(int fd, off_t from, off_t bytes) {
    return allocate(fd, 0, from, bytes) ? errno : 0;
}
SHOWN int posix_fallocate64(int fd, off64_t from, off64_t bytes) {
    return posix_fallocate(fd, from, bytes);
}

/* Durable is what was recorded before the sync began, once it has ended well. */
static int sync_fd(int fd, long call) {
    uint64_t inode = inode_of(fd);
    if (!inode) return syscall(call, fd);
    lock();
    int error = step(CLASS_SYNC);
    uint64_t upto = trace_end();
    unlock();
    int done = error ? failed(error) : (int)syscall(call, fd);
    int kept = errno;
    lock();
    note(done ? SYNC_FAILED : SYNC, inode, upto, 0, 0, 0, 0, 0);
    unlock();
    errno = kept;
    return done;
}
SHOWN int fsync(int fd) { return sync_fd(fd, SYS_fsync); }
SHOWN int fdatasync(int fd) { return sync_fd(fd, SYS_fdatasync); }

/* It starts writing and promises nothing, so nothing is recorded. */
SHOWN int sync_file_range(int fd, off64_t from, off64_t bytes, unsigned flags) {
    if (!inode_of(fd)) return syscall(SYS_sync_file_range, fd, from, bytes, flags);
    lock();
    int error = step(CLASS_SYNC);
    unlock();
    return error ? failed(error) : 0;
}

/* A change of names: counted, made, noted. */
static int name_at(enum kind kind, uint64_t class, int at, const char *path, int other_at,
                   const char *other, unsigned flags) {
    char buffer[PATH_MAX], other_buffer[PATH_MAX];
    const char *below = inside(at, path, buffer);
    const char *other_below = other ? inside(other_at, other, other_buffer) : 0;
    int is_ours = below || other_below, done;
    if (is_ours) lock();
    int error = is_ours ? step(class) : 0;
    if (error) done = failed(error);
    else if (kind == RENAME) done = syscall(SYS_renameat2, at, path, other_at, other, flags);
    else if (kind == LINK) done = syscall(SYS_linkat, at, path, other_at, other, flags);
    else if (kind == REMOVE) done = syscall(SYS_unlinkat, at, path, flags);
    else done = syscall(SYS_mkdirat, at, path, flags);
    if (is_ours) {
        int is_strange = other && (!below || !other_below || flags & ~RENAME_NOREPLACE);
        if (!done) note(is_strange ? BLIND : kind, 0, 0, 0, below, other_below, 0, 0);
        unlock();
    }
    return done;
}
SHOWN int rename(const char *from, const char *to) {
    return name_at(RENAME, CLASS_RENAME, AT_FDCWD, from, AT_FDCWD, to, 0);
}
SHOWN int renameat(int at, const char *from, int to_at, const char *to) {
    return name_at(RENAME, CLASS_RENAME, at, from, to_at, to, 0);
}
SHOWN int renameat2(int at, const char *from, int to_at, const char *to, unsigned flags) {
    return name_at(RENAME, CLASS_RENAME, at, from, to_at, to, flags);
}
SHOWN int link(const char *from, const char *to) {
    return name_at(LINK, CLASS_GROW, AT_FDCWD, from, AT_FDCWD, to, 0);
}
SHOWN int linkat(int at, const char *from, int to_at, const char *to, int flags) {
    return name_at(LINK, CLASS_GROW, at, from, to_at, to, flags);
}
SHOWN int unlink(const char *path) {
    return name_at(REMOVE, CLASS_REMOVE, AT_FDCWD, path, 0, 0, 0);
}
SHOWN int unlinkat(int at, const char *path, int flags) {
    return name_at(REMOVE, CLASS_REMOVE, at, path, 0, 0, flags);
}
SHOWN int rmdir(const char *path) {
    return name_at(REMOVE, CLASS_REMOVE, AT_FDCWD, path, 0, 0, AT_REMOVEDIR);
}
SHOWN int mkdir(const char *path, mode_t mode) {
    return name_at(FOLDER, CLASS_GROW, AT_FDCWD, path, 0, 0, mode);
}
SHOWN int mkdirat(int at, const char *path, mode_t mode) {
    return name_at(FOLDER, CLASS_GROW, at, path, 0, 0, mode);
}

/* Writes through a mapping cannot be seen; SQLite's -shm alone may have one, as no durable data. */
static void *map(void *at, size_t bytes, int protection, int flags, int fd, off_t from) {
    if (fd >= 0 && flags & MAP_SHARED && protection & PROT_WRITE) {
        char name[64], path[PATH_MAX];
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(name, path, sizeof path - 1);
        path[length > 0 ? length : 0] = 0;
        if (inode_of(fd) && (length < 4 || strcmp(path + length - 4, "-shm"))) {
            lock();
            note(BLIND, 0, 0, 0, path, 0, 0, 0);
            unlock();
        }
    }
    return (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd, from);
}
SHOWN void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t from) {
    return map(at, bytes, protection, flags, fd, from);
}
SHOWN void *mmap64(void *at, size_t bytes, int protection, int flags, int fd, off64_t from) {
    return map(at, bytes, protection, flags, fd, from);
}
