/** The variable by which a worker is told to wait until it is needed. */
export const spareVariable = "PAGI_SPARE"
