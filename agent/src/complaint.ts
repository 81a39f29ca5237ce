/** What a person did or has to mend: one stable code and one sentence that ends in the next step. */
export class Complaint extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'Complaint';
    this.code = code;
  }
}
