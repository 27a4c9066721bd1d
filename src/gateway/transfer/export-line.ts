/** One line of an export. */
export type ExportLine = Readonly<Record<string, unknown>> & { readonly kind: string };
