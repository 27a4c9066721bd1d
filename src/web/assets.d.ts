/** Files that the build takes along beside the script. */
declare module '*.css';
