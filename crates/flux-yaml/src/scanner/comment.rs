//! Which comment belongs to which token: go-yaml v3's rules.
//!
//! A comment is the *head* of what follows, the *line* comment of what stands before it on its line, or the
//! *foot* of what stands above when an empty line or a smaller indentation follows it.

use super::{Comment, Place, Scanner, Seen};
use crate::input::{break_width, is_break_or_end};

/// How far blanks are looked through for a comment, as upstream.
const REACH: usize = 512;

impl Scanner<'_> {
    /// A comment on the line of a `-` is the head of the entry when content follows in the next line:
    ///
    /// ```yaml
    /// - # about the entry
    ///   name: x
    /// ```
    pub(super) fn line_comment_to_head(&mut self) {
        if self.comments.is_empty() || self.at_break() {
            return;
        }
        let entry = matches!(self.newest(1), Some((_, Seen::BlockSequenceStart)))
            && matches!(self.newest(0), Some((_, Seen::BlockEntry)));
        let Some(comment) = self.comments.back_mut() else { return };
        if !entry || comment.line.is_empty() {
            return;
        }
        comment.head = std::mem::take(&mut comment.line);
        if comment.start.line == self.mark.line - 1 {
            comment.token = self.mark;
        }
    }

    /// Takes a comment on the present line for the token that starts at `owner`.
    pub(super) fn scan_line_comment(&mut self, owner: Place) {
        if self.newlines > 0 {
            return;
        }
        let Some(ahead) = (0..REACH).find(|ahead| !matches!(self.byte(*ahead), b' ' | b'\t')) else { return };
        if self.byte(ahead) != b'#' {
            return;
        }
        for _ in 0..ahead {
            self.skip_blank();
        }
        let start = self.mark;
        let line = self.take_line().to_owned();
        self.comments.push_back(Comment { token: owner, start, line, ..Comment::default() });
    }

    /// Takes the comments at hand, up to the next content, and sorts them into heads and feet.
    pub(super) fn scan_comments(&mut self, scan: Place) {
        let mut group = self.first_group(scan);
        let mut ahead = 0;
        while ahead < REACH {
            group.here.column += 1;
            let next = self.byte(ahead);
            if matches!(next, b' ' | b'\t') {
                ahead += 1;
                continue;
            }
            group.here.index = self.mark.index + ahead as i32;
            let closes = self.flow_level > 0 && matches!(next, b']' | b'}');
            let rest = self.rest_from(ahead);
            if closes || is_break_or_end(rest) {
                let last = rest.is_empty();
                let goes_on = break_width(rest) > 0;
                self.end_line(&mut group, closes, last);
                if !goes_on {
                    break;
                }
                group.pass_empty_line();
                ahead += 1;
                continue;
            }
            if group.is_left() {
                self.push_foot(&mut group);
            }
            if next != b'#' {
                break;
            }
            group.begin_line();
            self.skip_blank_lines_to(ahead);
            let line = self.take_line();
            group.text.push_str(line);
            // The break that ends the comment is not looked at: only a second one is an empty line.
            ahead = 1;
            group.here.column = 0;
            group.here.line = self.mark.line;
            group.indent = self.indent.max(0);
        }
        if !group.text.is_empty() {
            let end = Place { index: self.mark.index + ahead as i32 - 1, ..group.here };
            let Group { scan, start, text, .. } = group;
            self.comments.push_back(Comment { scan, token: start, start, end, head: text, ..Comment::default() });
        }
    }

    fn first_group(&self, scan: Place) -> Group {
        let mut before = self.newest(0);
        if let Some((_, Seen::FlowEntry)) = before {
            before = self.newest(1).or(before);
        }
        let (owner, seen) = before.unwrap_or((Place::default(), Seen::Other));
        let below = i32::from(self.newlines == 0 && self.mark.column > 1);
        Group {
            scan,
            owner,
            start: Place::default(),
            text: String::new(),
            here: self.mark,
            indent: self.indent.max(0),
            after_value: seen == Seen::Value,
            foot_line: if scan.line > 0 { self.mark.line - self.newlines + 1 + below } else { -1 },
            first_empty: self.newlines <= 1,
            recent_empty: false,
        }
    }

    /// A line break, the end, or the end of a flow collection: what stands above may be a foot.
    fn end_line(&mut self, group: &mut Group, closes: bool, last: bool) {
        if group.recent_empty && !closes {
            return;
        }
        let dedented = group.start.column - 1 < group.indent;
        let is_foot = group.start.line == group.foot_line && !group.after_value || dedented;
        if closes || group.first_empty && is_foot {
            if !group.text.is_empty() {
                if dedented {
                    group.owner = group.start;
                }
                self.push_foot(group);
            }
        } else if !group.text.is_empty() && !last {
            group.text.push('\n');
        }
    }

    /// Passes over a comment; for v3 over the following ones too, whatever blanks, even tabs, lie between.
    pub(super) fn skip_comments(&mut self) {
        self.take_line();
        while self.lookahead > 0 {
            let blank = |ahead: &usize| matches!(self.byte(*ahead), b' ' | b'\t' | b'\n' | b'\r');
            match (0..REACH).find(|ahead| !blank(ahead)) {
                Some(ahead) if self.byte(ahead) == b'#' => self.skip_blank_lines_to(ahead),
                _ => return,
            }
            self.take_line();
        }
    }

    fn push_foot(&mut self, group: &mut Group) {
        self.comments.push_back(Comment {
            scan: group.scan,
            token: group.owner,
            start: group.start,
            end: group.here,
            foot: std::mem::take(&mut group.text),
            ..Comment::default()
        });
        group.scan = group.here;
        group.owner = group.here;
    }

    fn skip_blank_lines_to(&mut self, ahead: usize) {
        let target = self.at + ahead;
        while self.at < target {
            if self.at_break() {
                self.take_break();
            } else {
                self.skip_blank();
            }
        }
    }
}

/// Comment lines that belong together, and where the search stands.
struct Group {
    scan: Place,
    /// Start of the token the lines would be a foot of.
    owner: Place,
    start: Place,
    text: String,
    here: Place,
    /// Indentation of the present collection.
    indent: i32,
    /// A key's colon stands before, so there is nothing to be a foot of.
    after_value: bool,
    /// Lines that start here are still a foot of what stands above; -1 at the top.
    foot_line: i32,
    /// No empty line was passed yet.
    first_empty: bool,
    /// The last line was empty.
    recent_empty: bool,
}

impl Group {
    fn pass_empty_line(&mut self) {
        self.first_empty = false;
        self.recent_empty = true;
        self.here.column = 0;
        self.here.line += 1;
    }

    /// True when the next line stands at another, smaller indentation.
    fn is_left(&self) -> bool {
        let column = self.here.column;
        !self.text.is_empty() && column - 1 < self.indent && column != self.start.column
    }

    fn begin_line(&mut self) {
        if self.text.is_empty() {
            self.start = self.here;
        } else {
            self.text.push('\n');
        }
        self.recent_empty = false;
    }
}
