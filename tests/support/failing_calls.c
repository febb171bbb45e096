/* Fails, or kills the process, at a chosen system call on files below a folder. Loaded by LD_PRELOAD; see failing_calls.py.

   Calls are counted from 1 on: those that write, make, rename, remove, cut or sync something below FAILING_FOLDER. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, FAIL_ONCE, FULL_DISK, KILL };

static atomic_long calls, failures;
static long chosen;
static int mode = COUNT, error_number = ENOSPC;
static char watched[1 << 16]; /* by file descriptor */

void failing_calls_arm(int new_mode, long number, int new_error) {
    mode = COUNT;
    calls = failures = 0;
    chosen = number;
    error_number = new_error;
    mode = new_mode;
}
long failing_calls_counted(void) { return calls; }
long failing_calls_failed(void) { return failures; }

static int below(const char *path) {
    const char *folder = getenv("FAILING_FOLDER");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}
static int is_watched(int fd) { return fd >= 0 && fd < (int)sizeof watched && watched[fd]; }
static void watch(int fd, int on) {
    if (fd >= 0 && fd < (int)sizeof watched) watched[fd] = on;
}

/* Whether this call fails. A full disk refuses only calls that need room. */
static int fails(int needs_room) {
    long number = ++calls;
    if (mode == KILL && number == chosen) kill(getpid(), SIGKILL);
    int result = mode == FAIL_ONCE ? number == chosen : mode == FULL_DISK && number >= chosen && needs_room;
    if (result) {
        failures++;
        errno = error_number;
    }
    return result;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A write that fails has written the first half, as on a disk that becomes full. */
#define PARTIAL(fd, count, call, half)                                  \
    if (!is_watched(fd)) return call;                                   \
    if (fails(1)) {                                                     \
        if ((count) > 1 && failures == 1 && error_number == ENOSPC) {   \
            half;                                                       \
            errno = error_number;                                       \
        }                                                               \
        return -1;                                                      \
    }                                                                   \
    return call

ssize_t write(int fd, const void *data, size_t count) {
    PARTIAL(fd, count, REAL(write)(fd, data, count), (void)!REAL(write)(fd, data, count / 2));
}
ssize_t pwrite(int fd, const void *data, size_t count, off_t at) {
    PARTIAL(fd, count, REAL(pwrite)(fd, data, count, at), (void)!REAL(pwrite)(fd, data, count / 2, at));
}
ssize_t pwrite64(int fd, const void *data, size_t count, off64_t at) {
    PARTIAL(fd, count, REAL(pwrite64)(fd, data, count, at), (void)!REAL(pwrite64)(fd, data, count / 2, at));
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    PARTIAL(fd, count, REAL(writev)(fd, parts, count), (void)!REAL(writev)(fd, parts, count / 2));
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    PARTIAL(fd, count, REAL(pwritev)(fd, parts, count, at), (void)!REAL(pwritev)(fd, parts, count / 2, at));
}

#define ON_FILE(fd, needs_room, call)                 \
    if (is_watched(fd) && fails(needs_room)) return -1; \
    return call
int fsync(int fd) { ON_FILE(fd, 1, REAL(fsync)(fd)); }
int fdatasync(int fd) { ON_FILE(fd, 1, REAL(fdatasync)(fd)); }
int ftruncate(int fd, off_t size) { ON_FILE(fd, 0, REAL(ftruncate)(fd, size)); }
int ftruncate64(int fd, off64_t size) { ON_FILE(fd, 0, REAL(ftruncate64)(fd, size)); }

#define ON_PATH(is_below, needs_room, call)           \
    if ((is_below) && fails(needs_room)) return -1;   \
    return call
int rename(const char *from, const char *to) { ON_PATH(below(to), 0, REAL(rename)(from, to)); }
int renameat(int d, const char *from, int e, const char *to) { ON_PATH(below(to), 0, REAL(renameat)(d, from, e, to)); }
int unlink(const char *path) { ON_PATH(below(path), 0, REAL(unlink)(path)); }
int unlinkat(int d, const char *path, int f) { ON_PATH(is_watched(d) || below(path), 0, REAL(unlinkat)(d, path, f)); }
int rmdir(const char *path) { ON_PATH(below(path), 0, REAL(rmdir)(path)); }
int mkdir(const char *path, mode_t mode) { ON_PATH(below(path), 1, REAL(mkdir)(path, mode)); }
int mkdirat(int d, const char *path, mode_t m) { ON_PATH(is_watched(d) || below(path), 1, REAL(mkdirat)(d, path, m)); }

#define OPENING(name, is_below, arguments)                                      \
    mode_t permissions = 0;                                                     \
    if (flags & (O_CREAT | O_TMPFILE)) {                                        \
        va_list more;                                                           \
        va_start(more, flags);                                                  \
        permissions = va_arg(more, mode_t);                                     \
        va_end(more);                                                           \
    }                                                                           \
    int inside = is_below;                                                      \
    if (inside && (flags & (O_CREAT | O_TRUNC)) && fails(1)) return -1;         \
    int fd = REAL(name) arguments;                                              \
    watch(fd, inside);                                                          \
    return fd
int open(const char *path, int flags, ...) { OPENING(open, below(path), (path, flags, permissions)); }
int open64(const char *path, int flags, ...) { OPENING(open64, below(path), (path, flags, permissions)); }
int openat(int d, const char *path, int flags, ...) {
    OPENING(openat, is_watched(d) || below(path), (d, path, flags, permissions));
}
int openat64(int d, const char *path, int flags, ...) {
    OPENING(openat64, is_watched(d) || below(path), (d, path, flags, permissions));
}
int close(int fd) {
    watch(fd, 0);
    return REAL(close)(fd);
}
