/**
 * How long a file may take. The runner tells its own bound in this variable (seconds); a file that is run by itself has the same one.
 * A little less, so that the file still reports what it waited for.
 */
export const patienceOfFileMs = 1_000 * Number(process.env.TAP_TIMEOUT ?? 240) - 3_000;
