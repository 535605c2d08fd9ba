//! Output with the columns and flags that libyaml's emitter decides by.

/// Collects the text.
pub(crate) struct Writer {
    pub out: String,
    /// In characters.
    pub column: i32,
    /// The last character was a blank.
    pub whitespace: bool,
    /// Only indentation so far in this line.
    pub indention: bool,
    /// Present indentation; -1 outside of any collection.
    pub indent: i32,
    pub best_indent: i32,
    pub best_width: i32,
    /// After a foot comment at this indentation comes an empty line; -1 for none.
    pub foot_indent: i32,
    pub flow_level: u32,
}

impl Writer {
    pub fn new(best_indent: i32, best_width: i32) -> Self {
        Self {
            out: String::new(),
            column: 0,
            whitespace: true,
            indention: true,
            indent: -1,
            best_indent,
            best_width,
            foot_indent: -1,
            flow_level: 0,
        }
    }

    pub fn put(&mut self, ascii: char) {
        self.out.push(ascii);
        self.column += 1;
    }

    pub fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
        self.indention = true;
    }

    /// Writes text without line breaks.
    pub fn text(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += if text.is_ascii() { text.len() } else { text.chars().count() } as i32;
    }

    pub fn character(&mut self, character: char) {
        self.out.push(character);
        self.column += 1;
    }

    /// Writes a line break of a scalar; other breaks than line feeds stay as they are.
    pub fn scalar_break(&mut self, character: char) {
        if character != '\n' {
            self.out.push(character);
            self.column = 0;
            self.indention = true;
        } else {
            self.put_break();
        }
    }

    pub fn write_indent(&mut self) {
        let indent = self.indent.max(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if self.foot_indent == indent {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.foot_indent = -1;
    }

    /// Writes an indicator, after a blank when one is `needed`.
    pub fn indicator(&mut self, indicator: &str, needed: bool, whitespace: bool, indention: bool) {
        if needed && !self.whitespace {
            self.put(' ');
        }
        self.text(indicator);
        self.whitespace = whitespace;
        self.indention = self.indention && indention;
    }
}
