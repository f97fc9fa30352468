/*
 * A ptrace() for user-mode Linux, loaded before the C library's.
 *
 * The guest's kernel switches between its processes by reading and writing their extended registers
 * (PTRACE_GETREGSET and PTRACE_SETREGSET with NT_X86_XSTATE). Kernel 6.1 has a buffer of 2,696 bytes
 * for them. A CPU with larger ones (AMX has 8 KiB of tiles) gives it the beginning on reading, but
 * the host refuses a write that is shorter than the whole: "ptrace set fp regs failed", then panic.
 *
 * So a short write is made whole here: read all, put the given bytes over the beginning, write all.
 * The guest keeps nothing in the rest, for it does not know of it. Where the buffer is large enough
 * every call goes through as it is.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* More than any CPU has: XSAVE with every component defined so far is under 12 KiB. */
#define WHOLE_STATE 16384

static long set_extended_registers(pid_t pid, struct iovec *given)
{
	/* Not on the stack: the caller's is a kernel's and no larger than this. */
	static _Thread_local _Alignas(64) unsigned char state[WHOLE_STATE];
	struct iovec whole = { .iov_base = state, .iov_len = sizeof state };

	if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, NT_X86_XSTATE, &whole) == -1)
		return -1;
	if (given->iov_len >= whole.iov_len)
		whole = *given;
	else
		memcpy(state, given->iov_base, given->iov_len);
	return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, &whole);
}

/* What these return is the word itself, where the system call stores it through its last argument. */
static long peek(int request, pid_t pid, void *address)
{
	long word;

	if (syscall(SYS_ptrace, request, pid, address, &word) == -1)
		return -1;
	errno = 0;
	return word;
}

long ptrace(enum __ptrace_request request, ...)
{
	va_list arguments;
	pid_t pid;
	void *address, *data;

	va_start(arguments, request);
	pid = va_arg(arguments, pid_t);
	address = va_arg(arguments, void *);
	data = va_arg(arguments, void *);
	va_end(arguments);

	switch ((int)request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
	case PTRACE_PEEKUSER:
		return peek(request, pid, address);
	case PTRACE_SETREGSET:
		if ((uintptr_t)address == NT_X86_XSTATE)
			return set_extended_registers(pid, data);
	}
	return syscall(SYS_ptrace, request, pid, address, data);
}
