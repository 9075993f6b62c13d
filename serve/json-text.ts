/** A JSON body that is not parsed yet, because large ones are parsed in a thread. */
export class JsonText {
  constructor(readonly bytes: Buffer) {}
}
