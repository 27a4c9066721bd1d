/** What menus ask, one answer a line. Pure. */

/** Questions in their order; `done` gets as many answers. */
export interface Form<Outcome> {
  readonly questions: readonly string[];
  readonly done: (answers: readonly string[]) => Outcome;
}

export class Questions<Outcome> {
  #form: Form<Outcome> | null = null;
  #answers: string[] = [];

  get isOpen(): boolean {
    return this.#form !== null;
  }

  /** Of the answer that is waited for; null when nothing was asked. */
  get prompt(): string | null {
    return this.#form?.questions[this.#answers.length] ?? null;
  }

  ask(form: Form<Outcome>): void {
    this.#form = form;
    this.#answers = [];
  }

  /** What the last answer makes of the form; null while more are to come. */
  answer(text: string): Outcome | null {
    const form = this.#form;
    if (form === null) return null;
    this.#answers.push(text);
    if (this.#answers.length < form.questions.length) return null;
    this.#form = null;
    return form.done(this.#answers);
  }
}
