// The files that come with the project, served beside the page.

export interface SampleFile {
  readonly file: string;
  /** The dataset's name. */
  readonly name: string;
  readonly about: string;
}

export const SAMPLE_FILES: readonly SampleFile[] = [
  { file: 'flights-200k.json', name: 'flights', about: '200,000 flights · JSON, one line of 10 MB' },
  { file: 'birdstrikes.csv', name: 'birdstrikes', about: '10,000 bird strikes · CSV' },
  { file: 'movies.json', name: 'movies', about: '3,201 films · JSON with gaps and mixed types' },
];

/** What stands ready on a first visit. */
export const FIRST_SAMPLE = 'flights-200k.json';
