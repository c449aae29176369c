/*
 * The layer under SQLite: a library that is loaded before libc (LD_PRELOAD).
 *
 * It writes down what happens to the files of one directory, in the order in
 * which it happens, and fails or holds calls when it is told to. A flush is
 * written down and not carried out: the test builds the disk itself.
 *
 * Two files of the directory exist for the layer alone. What is written to
 * `marks` stands in the log between the calls around it. What is written to
 * `control` is a command:
 *
 *   fail CALL FILE ERRNO SKIP COUNT   CALL is sync, write, half, read, size
 *   hold FILE                         the next flush waits
 *   release                           and goes on
 *   clear                             forgets all of them
 *
 * Reading `control` waits until a flush is held.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MOST_FILES = 4096, MOST_RULES = 16, NAME = 64 };
enum kind { FOREIGN, PLAIN, DIRECTORY, MARKS, CONTROL };

static struct { enum kind kind; char name[NAME]; } files[MOST_FILES];
static struct { char call[8]; char name[NAME]; int error, skip, count; } rules[MOST_RULES];
static char directory[PATH_MAX];
static int log_fd = -1;
static char held[NAME];
static int waiting;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    const char *dir = getenv("RUNCOR_LAYER_DIR"), *path = getenv("RUNCOR_LAYER_LOG");
    if (!dir || !path) return;
    snprintf(directory, sizeof directory, "%s", dir);
    log_fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) abort();
}

/* Writes a record: a head, a name, data. The reader is log.rs. */
static void note(char kind, int flag, int fd, uint64_t at, const char *name, const void *data,
                 size_t length) {
    struct __attribute__((packed)) {
        uint8_t kind, flag; uint16_t name; int32_t fd; uint64_t at; uint32_t length;
    } head = {kind, flag, strlen(name), fd, at, length};
    struct iovec parts[] = {
        {&head, sizeof head}, {(void *)name, head.name}, {(void *)data, length}};
    ssize_t whole = sizeof head + head.name + length;
    if (syscall(SYS_writev, log_fd, parts, 3) != whole) abort();
}

/* Returns the name within the directory: "" for itself, NULL for what is elsewhere. */
static const char *within(const char *path) {
    size_t length = strlen(directory);
    if (log_fd < 0 || strncmp(path, directory, length)) return NULL;
    if (path[length] == 0) return "";
    if (path[length] != '/') return NULL;
    const char *name = path + length + 1;
    size_t rest = strlen(name);
    /* The index of the log is built anew, and the lock means nothing after a power cut. */
    if (rest >= NAME || strchr(name, '/')) return NULL;
    if (rest > 4 && !strcmp(name + rest - 4, "-shm")) return NULL;
    if (rest > 5 && !strcmp(name + rest - 5, ".lock")) return NULL;
    return name;
}

static enum kind kind_of(int fd) {
    return fd >= 0 && fd < MOST_FILES ? files[fd].kind : FOREIGN;
}

/* Returns the error that a call is to fail with, or 0. */
static int failure(const char *call, int fd) {
    for (int n = 0; n < MOST_RULES; n++) {
        if (strcmp(rules[n].call, call) || strcmp(rules[n].name, files[fd].name)) continue;
        if (rules[n].skip > 0) { rules[n].skip--; continue; }
        if (rules[n].count == 0) continue;
        rules[n].count--;
        return rules[n].error;
    }
    return 0;
}

static void command(const char *data, size_t length) {
    char text[256], call[8] = "", name[NAME] = "";
    int error, skip, count;
    snprintf(text, sizeof text, "%.*s", (int)length, data);
    if (sscanf(text, "fail %7s %63s %d %d %d", call, name, &error, &skip, &count) == 5) {
        for (int n = 0; n < MOST_RULES; n++) {
            if (rules[n].count > 0) continue;
            strcpy(rules[n].call, call);
            strcpy(rules[n].name, name);
            rules[n].error = error, rules[n].skip = skip, rules[n].count = count;
            return;
        }
        abort();
    } else if (sscanf(text, "hold %63s", name) == 1) {
        strcpy(held, name);
    } else if (!strncmp(text, "release", 7)) {
        held[0] = 0;
    } else if (!strncmp(text, "clear", 5)) {
        memset(rules, 0, sizeof rules);
        held[0] = 0;
    } else {
        abort();
    }
    pthread_cond_broadcast(&changed);
}

static int do_open(const char *path, int flags, int mode) {
    const char *name = within(path);
    if (!name) return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    pthread_mutex_lock(&turn);
    int created = (flags & O_CREAT) && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) != 0;
    int fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode), error = errno;
    if (fd >= MOST_FILES) abort();
    if (fd >= 0) {
        strcpy(files[fd].name, name);
        files[fd].kind = !*name                     ? DIRECTORY
                         : !strcmp(name, "marks")   ? MARKS
                         : !strcmp(name, "control") ? CONTROL
                                                    : PLAIN;
        if (files[fd].kind == PLAIN || files[fd].kind == DIRECTORY)
            note('O', created, fd, 0, name, "", 0);
        if (files[fd].kind == PLAIN && (flags & O_TRUNC)) note('L', 0, fd, 0, "", "", 0);
    }
    pthread_mutex_unlock(&turn);
    errno = error;
    return fd;
}

int open64(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    int mode = flags & O_CREAT ? va_arg(list, int) : 0;
    va_end(list);
    return do_open(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    int mode = flags & O_CREAT ? va_arg(list, int) : 0;
    va_end(list);
    return do_open(path, flags, mode);
}

int close(int fd) {
    if (kind_of(fd) == FOREIGN) return syscall(SYS_close, fd);
    pthread_mutex_lock(&turn);
    if (files[fd].kind == PLAIN || files[fd].kind == DIRECTORY) note('C', 0, fd, 0, "", "", 0);
    files[fd].kind = FOREIGN;
    int result = syscall(SYS_close, fd), error = errno;
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}

static ssize_t write_plain(int fd, const void *data, size_t length, off_t at) {
    int error = failure("write", fd);
    if (error) return errno = error, -1;
    if (length > 1 && failure("half", fd)) length /= 2;
    ssize_t written = syscall(SYS_pwrite64, fd, data, length, at);
    if (written > 0) note('W', 0, fd, at, "", data, written);
    return written;
}

ssize_t write(int fd, const void *data, size_t length) {
    if (kind_of(fd) == FOREIGN) return syscall(SYS_write, fd, data, length);
    pthread_mutex_lock(&turn);
    ssize_t written = length;
    if (files[fd].kind == MARKS) {
        note('M', 0, fd, 0, "", data, length);
    } else if (files[fd].kind == CONTROL) {
        command(data, length);
    } else {
        off_t at = lseek(fd, 0, SEEK_CUR);
        written = write_plain(fd, data, length, at);
        if (written > 0) lseek(fd, at + written, SEEK_SET);
    }
    int error = errno;
    pthread_mutex_unlock(&turn);
    errno = error;
    return written;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t at) {
    if (kind_of(fd) == FOREIGN) return syscall(SYS_pwrite64, fd, data, length, at);
    pthread_mutex_lock(&turn);
    ssize_t written = write_plain(fd, data, length, at);
    int error = errno;
    pthread_mutex_unlock(&turn);
    errno = error;
    return written;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    return pwrite64(fd, data, length, at);
}

/* Returns the error that a read is to fail with, or 0. */
static int before_read(int fd) {
    if (kind_of(fd) == FOREIGN) return 0;
    pthread_mutex_lock(&turn);
    while (files[fd].kind == CONTROL && !waiting) pthread_cond_wait(&changed, &turn);
    int error = failure("read", fd);
    pthread_mutex_unlock(&turn);
    return error;
}

ssize_t read(int fd, void *data, size_t length) {
    int error = before_read(fd);
    return error ? (errno = error, -1) : syscall(SYS_read, fd, data, length);
}

ssize_t pread64(int fd, void *data, size_t length, off_t at) {
    int error = before_read(fd);
    return error ? (errno = error, -1) : syscall(SYS_pread64, fd, data, length, at);
}

ssize_t pread(int fd, void *data, size_t length, off_t at) {
    return pread64(fd, data, length, at);
}

int fdatasync(int fd) {
    if (kind_of(fd) == FOREIGN) return syscall(SYS_fdatasync, fd);
    pthread_mutex_lock(&turn);
    waiting++;
    pthread_cond_broadcast(&changed);
    while (*held && !strcmp(held, files[fd].name)) pthread_cond_wait(&changed, &turn);
    waiting--;
    int error = failure("sync", fd);
    note('S', error != 0, fd, 0, "", "", 0);
    pthread_mutex_unlock(&turn);
    return error ? (errno = error, -1) : 0;
}

int fsync(int fd) {
    return kind_of(fd) == FOREIGN ? (int)syscall(SYS_fsync, fd) : fdatasync(fd);
}

int ftruncate64(int fd, off_t length) {
    if (kind_of(fd) == FOREIGN) return syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&turn);
    int error = failure("size", fd);
    int result = error ? -1 : syscall(SYS_ftruncate, fd, length);
    if (!error) error = errno;
    if (result == 0) note('L', 0, fd, length, "", "", 0);
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int unlink(const char *path) {
    const char *name = within(path);
    if (!name) return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_lock(&turn);
    int result = syscall(SYS_unlinkat, AT_FDCWD, path, 0), error = errno;
    if (result == 0) note('U', 0, -1, 0, name, "", 0);
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}

int rename(const char *from, const char *to) {
    const char *old = within(from), *new = within(to);
    if (!old || !new) return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    pthread_mutex_lock(&turn);
    int result = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0), error = errno;
    if (result == 0) note('R', 0, -1, 0, old, new, strlen(new));
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}

/* What is written through a mapping is not seen: nobody may do that. */
void *mmap64(void *want, size_t length, int access, int flags, int fd, off_t at) {
    if (kind_of(fd) == PLAIN && (access & PROT_WRITE) && (flags & MAP_SHARED)) abort();
    return (void *)syscall(SYS_mmap, want, length, access, flags, fd, at);
}

void *mmap(void *want, size_t length, int access, int flags, int fd, off_t at) {
    return mmap64(want, length, access, flags, fd, at);
}
