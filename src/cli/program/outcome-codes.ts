/** Exit codes of the programs that ask a cluster for something: one for each of the three outcomes. */
export const exitAccepted = 0;
export const exitRejected = 1;
export const exitUnknown = 2;
