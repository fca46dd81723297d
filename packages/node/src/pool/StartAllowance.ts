/**
 * Milliseconds that a server has to be ready, beyond the `bootTimeout` for which each of its workers may take to start:
 * what a parent takes at most to start processes.
 */
export const startAllowance = 10_000
