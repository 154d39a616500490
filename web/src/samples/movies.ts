// Functions that fit movies.json: many values are missing, and a missing value is null.

export const moviesMap = `// Map: one row in, one row out. A missing value is null.
export default function (row: Record<string, any>) {
  const gross = row['Worldwide Gross'];
  const budget = row['Production Budget'];
  return {
    title: row['Title'],
    genre: row['Major Genre'] ?? '(none)',
    rating: row['IMDB Rating'],
    timesBudget: gross && budget ? Math.round((gross / budget) * 10) / 10 : null,
  };
}
`;

export const moviesFilter = `// Filter: keeps the rows for which it returns true.
export default {
  filter(row: Record<string, any>, params: { rating?: number }) {
    return (row['IMDB Rating'] ?? 0) >= (params?.rating ?? 8.5) && (row['IMDB Votes'] ?? 0) > 10_000;
  },
};
`;

export const moviesAggregate = `// Aggregate: films, and the mean of those that are rated, for each genre.
interface Genre {
  films: number;
  rated: number;
  sum: number;
}

type Genres = Record<string, Genre>;

export default {
  init: (): Genres => ({}),

  visit(genres: Genres, row: Record<string, any>) {
    const rating = row['IMDB Rating'];
    add(genres, row['Major Genre'] ?? '(none)', {
      films: 1,
      rated: rating === null ? 0 : 1,
      sum: rating ?? 0,
    });
  },

  join(a: Genres, b: Genres) {
    for (const [name, genre] of Object.entries(b)) add(a, name, genre);
    return a;
  },

  finish: (genres: Genres) =>
    Object.entries(genres)
      .map(([genre, { films, rated, sum }]) => ({
        genre,
        films,
        meanRating: rated === 0 ? null : Math.round((sum / rated) * 100) / 100,
      }))
      .sort((a, b) => b.films - a.films),
};

function add(genres: Genres, name: string, more: Genre) {
  const genre = (genres[name] ??= { films: 0, rated: 0, sum: 0 });
  genre.films += more.films;
  genre.rated += more.rated;
  genre.sum += more.sum;
}
`;
