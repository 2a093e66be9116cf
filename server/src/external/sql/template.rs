//! Statements of the configuration: finds their parameters outside of texts, quoted names and comments and
//! writes them as the database wants them. `?` is the next parameter, `?2` the second one.

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    MySql,
    Sqlite,
}

/// A statement with its parameters found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    sql: String,
    /// Which argument stands at each place, for databases whose places have no numbers.
    order: Vec<usize>,
}

impl Template {
    /// Understands a statement with `plain` parameters written as `?`, or with any of `most` written with numbers.
    ///
    /// # Errors
    /// What is wrong with the parameters.
    pub(super) fn parse(sql: &str, dialect: Dialect, plain: usize, most: usize) -> Result<Self, String> {
        let mut reader = Reader {
            rest: sql,
            dialect,
            out: String::with_capacity(sql.len() + 8),
        };
        let (mut order, mut unnumbered) = (Vec::new(), 0);
        while let Some(number) = reader.next_parameter()? {
            let at = match number {
                Some(number) if (1..=most).contains(&number) => number - 1,
                Some(number) => return Err(format!("?{number} is not a parameter; there are {most}")),
                None => {
                    unnumbered += 1;
                    unnumbered - 1
                }
            };
            order.push(at);
            match dialect {
                Dialect::Postgres => reader.out.push_str(&format!("${}", at + 1)),
                Dialect::MySql => reader.out.push('?'),
                Dialect::Sqlite => reader.out.push_str(&format!("?{}", at + 1)),
            }
        }
        if unnumbered != 0 && unnumbered != order.len() {
            return Err("parameters are either all \"?\" or all numbered (\"?1\", \"?2\")".to_owned());
        }
        if unnumbered == order.len() && unnumbered != plain {
            return Err(format!(
                "it needs {plain} parameters (\"?\") and has {unnumbered}"
            ));
        }
        let sql = reader.out;
        Ok(Self { sql, order })
    }

    /// The statement as the database gets it.
    pub(super) fn sql(&self) -> &str {
        &self.sql
    }

    /// The argument of each place, in the order of the places.
    pub(super) fn by_place<'a>(&self, arguments: &[&'a str]) -> Vec<&'a str> {
        self.order
            .iter()
            .filter_map(|at| arguments.get(*at).copied())
            .collect()
    }

    /// The arguments by number, as far as the statement names them.
    pub(super) fn by_number<'a>(&self, arguments: &[&'a str]) -> Vec<&'a str> {
        let count = self.order.iter().max().map_or(0, |last| last + 1);
        arguments.iter().copied().take(count).collect()
    }
}

struct Reader<'a> {
    rest: &'a str,
    dialect: Dialect,
    out: String,
}

impl Reader<'_> {
    /// Copies up to the next parameter and takes it; its number if it has one. `None` at the end.
    fn next_parameter(&mut self) -> Result<Option<Option<usize>>, String> {
        while let Some(next) = self.rest.chars().next() {
            let is_mysql = self.dialect == Dialect::MySql;
            match next {
                '?' => {
                    self.rest = &self.rest[1..];
                    let digits =
                        self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                    let (number, rest) = self.rest.split_at(digits);
                    self.rest = rest;
                    if number.is_empty() {
                        return Ok(Some(None));
                    }
                    let number = number
                        .parse()
                        .map_err(|_| format!("?{number} is not a parameter"))?;
                    return Ok(Some(Some(number)));
                }
                '\'' => {
                    let is_escape_text = self.dialect == Dialect::Postgres && self.ends_with_escape_mark();
                    self.copy_quoted('\'', is_mysql || is_escape_text)?;
                }
                '"' => self.copy_quoted('"', is_mysql)?,
                '`' if self.dialect != Dialect::Postgres => self.copy_quoted('`', false)?,
                '[' if self.dialect == Dialect::Sqlite => self.copy_through("]")?,
                '-' if self.rest.starts_with("--") => self.copy_line(),
                '#' if is_mysql => self.copy_line(),
                '/' if self.rest.starts_with("/*") => self.copy_comment()?,
                '$' if self.dialect == Dialect::Postgres => self.copy_dollar()?,
                _ => self.copy(next.len_utf8()),
            }
        }
        Ok(None)
    }

    fn copy(&mut self, bytes: usize) {
        let (copied, rest) = self.rest.split_at(bytes);
        self.out.push_str(copied);
        self.rest = rest;
    }

    /// Whether an `E` that makes backslashes count stands directly before the text.
    fn ends_with_escape_mark(&self) -> bool {
        let mut before = self.out.chars().rev();
        matches!(before.next(), Some('e' | 'E'))
            && before.next().is_none_or(|c| !c.is_alphanumeric() && c != '_')
    }

    /// A doubled quote ends one quoted piece and begins the next, which comes to the same.
    fn copy_quoted(&mut self, quote: char, has_backslashes: bool) -> Result<(), String> {
        let mut inside = self.rest.char_indices().skip(1);
        while let Some((at, c)) = inside.next() {
            if c == '\\' && has_backslashes {
                inside.next();
            } else if c == quote {
                self.copy(at + quote.len_utf8());
                return Ok(());
            }
        }
        Err(format!("a {quote} is not closed"))
    }

    fn copy_through(&mut self, end: &str) -> Result<(), String> {
        match self.rest.find(end) {
            Some(at) => {
                self.copy(at + end.len());
                Ok(())
            }
            None => Err(format!("{end} is missing")),
        }
    }

    fn copy_line(&mut self) {
        self.copy(self.rest.find('\n').unwrap_or(self.rest.len()));
    }

    /// Only PostgreSQL nests comments.
    fn copy_comment(&mut self) -> Result<(), String> {
        if self.dialect != Dialect::Postgres {
            self.copy(2);
            return self.copy_through("*/");
        }
        let mut depth = 0;
        loop {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.copy(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.copy(2);
                if depth == 0 {
                    return Ok(());
                }
            } else {
                let next = self.rest.chars().next().ok_or("a comment is not closed")?;
                self.copy(next.len_utf8());
            }
        }
    }

    /// `$tag$ … $tag$`; anything else that begins with a dollar is nothing special.
    fn copy_dollar(&mut self) -> Result<(), String> {
        let name = &self.rest[1..];
        let end = name
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(name.len());
        let is_tag = name[end..].starts_with('$') && !name.starts_with(|c: char| c.is_ascii_digit());
        if !is_tag {
            self.copy(1);
            return Ok(());
        }
        let tag = self.rest[..end + 2].to_owned();
        self.copy(tag.len());
        self.copy_through(&tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(sql: &str) -> Result<Template, String> {
        Template::parse(sql, Dialect::Postgres, 2, 3)
    }

    #[test]
    fn parameters_become_numbered_for_postgresql() {
        let template = postgres("SELECT id FROM u WHERE name = ? AND pw = crypt(?, pw)").unwrap();
        assert_eq!(
            template.sql(),
            "SELECT id FROM u WHERE name = $1 AND pw = crypt($2, pw)"
        );
        assert_eq!(template.by_number(&["a", "b", "c"]), ["a", "b"]);
    }

    #[test]
    fn question_marks_in_texts_names_and_comments_are_left_alone() {
        let sql = "SELECT '?''?', \"a?\", E'\\'?', $x$ ? $x$, 1 -- ?\n/* ? /* ? */ ? */ FROM é WHERE a = ? AND b = ?";
        let template = postgres(sql).unwrap();
        assert!(
            template.sql().ends_with("WHERE a = $1 AND b = $2"),
            "{}",
            template.sql()
        );
        assert_eq!(template.sql().matches('?').count(), sql.matches('?').count() - 2);
        let sql = "SELECT '\\'?', `a?` # ?\nFROM u WHERE a = ? AND b = \"?\" AND c = ?";
        let template = Template::parse(sql, Dialect::MySql, 2, 2).unwrap();
        assert_eq!(template.sql(), sql);
        assert_eq!(template.by_place(&["x", "y"]), ["x", "y"]);
    }

    #[test]
    fn numbered_parameters_may_come_twice_and_in_any_order() {
        let sql = "SELECT 1 WHERE a = ?2 AND b = ?1 AND c = ?2";
        assert_eq!(
            postgres(sql).unwrap().sql(),
            "SELECT 1 WHERE a = $2 AND b = $1 AND c = $2"
        );
        let template = Template::parse(sql, Dialect::MySql, 2, 2).unwrap();
        assert_eq!(template.sql(), "SELECT 1 WHERE a = ? AND b = ? AND c = ?");
        assert_eq!(template.by_place(&["x", "y"]), ["y", "x", "y"]);
        assert_eq!(Template::parse(sql, Dialect::Sqlite, 2, 2).unwrap().sql(), sql);
    }

    #[test]
    fn a_wrong_number_of_parameters_is_told() {
        for sql in [
            "SELECT 1",
            "SELECT ?",
            "SELECT ?, ?, ?",
            "SELECT ?1, ?",
            "SELECT ?4",
            "SELECT ?0",
            "SELECT 'a",
        ] {
            assert!(postgres(sql).is_err(), "{sql}");
        }
        assert!(postgres("SELECT ?99999999999999999999999").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_understood_or_refused(sql in "[a?'\"`$/*\\-\\[#\\\\E\n1é]{0,40}") {
            for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite] {
                drop(Template::parse(&sql, dialect, 1, 3));
            }
        }
    }
}
