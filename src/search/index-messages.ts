/** What travels between a node and its search process. */
import type { Hit, IndexBatch, IndexQuestion, Place } from './ports.ts';

export type IndexAsked =
  | { readonly kind: 'places' }
  | { readonly kind: 'write'; readonly batch: IndexBatch }
  | { readonly kind: 'find'; readonly question: IndexQuestion };

export type IndexRequest = IndexAsked & { readonly id: number };

export type IndexAnswer =
  /** The process is up. */
  | { readonly id: null }
  | { readonly id: number; readonly kind: 'places'; readonly places: readonly (readonly [string, Place])[] }
  | { readonly id: number; readonly kind: 'written' }
  | { readonly id: number; readonly kind: 'found'; readonly hits: readonly Hit[] }
  | { readonly id: number; readonly kind: 'failed'; readonly cause: string };
