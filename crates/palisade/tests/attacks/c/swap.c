/* Executes a program, and exchanges what it asked for while that is looked at.
 *
 *   swap thread|shared path|argument PROGRAM ONE OTHER ROUNDS
 *
 * "path": the path is ONE or OTHER, and the argument PROGRAM's place is taken by "--version".
 * "argument": PROGRAM is executed with ONE or OTHER as its argument.
 * Who exchanges is a thread of the same process, or another process by shared memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile char *place;
static const char *texts[2];

/* A text can be read half exchanged; that is a name of nothing then. */
static void *exchange(void *unused)
{
    for (unsigned long turn = 0;; turn++) {
        strcpy((char *)place, texts[turn & 1]);
        for (volatile int wait = 0; wait < 2000; wait++)
            ;
    }
    return unused;
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    int by_thread = !strcmp(argv[1], "thread"), of_path = !strcmp(argv[2], "path");
    const char *program = argv[3];
    texts[0] = argv[4];
    texts[1] = argv[5];
    place = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
        return 3;
    strcpy((char *)place, texts[0]);
    pid_t other = 0;
    if (!by_thread && !(other = fork()))
        exchange(NULL);
    int refused = 0, killed = 0, ran = 0;
    for (int round = atoi(argv[6]); round > 0; round--) {
        pid_t child = fork();
        if (!child) {
            pthread_t thread;
            if (by_thread && pthread_create(&thread, NULL, exchange, NULL))
                _exit(78);
            if (by_thread)
                usleep(50);
            char *words[] = {"x", of_path ? "--version" : (char *)place, NULL};
            char *none[] = {NULL};
            execve(of_path ? (char *)place : program, words, none);
            _exit(errno == EACCES || errno == ENOENT ? 77 : 78);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) < 0)
            return 4;
        if (WIFSIGNALED(status))
            killed++;
        else if (WEXITSTATUS(status) == 77)
            refused++;
        else
            ran++;
    }
    if (other)
        kill(other, SIGKILL);
    printf("refused=%d killed=%d ran=%d\n", refused, killed, ran);
    return 0;
}
