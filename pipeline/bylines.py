"""Who wrote it: names from bylines and from the author fields of pages."""

import re
from collections.abc import Iterable
from html import unescape
from itertools import takewhile

# What stands before the names, in the languages of most dumps. Where the word is also an everyday one ("di", "por"),
# only the capital letters of the names after it make a byline.
_PREFIX = re.compile(
    r"^\s*(?:(?:(?:written|posted|published|reported|words|story|text|article|analysis|opinion)\s+)?by\b"
    r"|(?:escrito|publicado|redactado|redigido)\s+por\b|(?:écrit|publié|rédigé)\s+par\b|(?:geschrieben|ein\s+\w+)\s+von\b"
    r"|(?:scritto|pubblicato)\s+da\b|(?:von|par|por|di|door|av|af)\b"
    r"|(?:authors?|autor(?:in|en|a|es|zy|ka)?|auteure?s?|autor[ei]|tekst|text[eo]?|redacción|автор(?:ы|ка)?|текст)\s*:"
    r"|(?:作者|记者|記者|撰文|文)\s*[:：/／|｜])\s*:?\s*",
    re.IGNORECASE,
)
_ROLES = (
    r"(?:(?:senior|chief|deputy|assistant|associate|managing|contributing|executive|special|political|science|business|"
    r"sports?|news|health|tech(?:nology)?|foreign|staff|freelance|national|world|features?|digital|lead|local|opinion|former|for)\s+)*"
    r"(?:writer|reporter|editor|correspondent|columnist|journalist|contributor|producer|photographer|analyst|blogger|"
    r"author|editor-in-chief|redakteur(?:in)?|korrespondent(?:in)?|journaliste|reporter(?:in)?|redactora?|periodista|"
    r"dziennikar(?:z|ka)|корреспондент|журналист|обозреватель|founder|co-founder|president|director|head|chief\s+\w+\s+officer|ceo|cto|cfo|sponsored|dvm|ph\.?d\.?|m\.?d\.?|r\.?n\.?|jr\.?|esq\.?)s?"
)
_ROLE = re.compile(rf"^(?:{_ROLES})\b.*$", re.IGNORECASE)
_BEHIND_NAME = re.compile(rf"(?<=\w)\s+(?:{_ROLES})$", re.IGNORECASE)
_GLUED = re.compile(r"^By(?=[A-Z][a-z])")  # of elements that style sheets part
_NAME_AND_ROLE = re.compile(rf"^\s*(?P<name>[^,|•·—–]{{3,60}})\s*[,|•·—–]\s*(?P<role>{_ROLES})\s*$", re.IGNORECASE)

_END = re.compile(
    r"\s*(?:[|•·●▪/]|\s[-–—]+\s|[—–]|\bon\b(?=\s+(?:\w+\s+){0,2}\d)|\bfor\s+(?=[A-Z])|\(|\[|\b(?:updated|published|posted|last)\b"
    r"|\d{1,2}[ .:/]|\b(?:19|20)\d\d\b).*$",
    re.IGNORECASE | re.DOTALL,
)
_DAY_OR_MONTH = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|september|october|"
    r"november|december|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)\b.*$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*(?:[,;/|&、，；]|\s(?:and|und|et|och|og|en|with|mit)\s)\s*", re.IGNORECASE)
# One-letter words for "and", which also stand inside Spanish and Catalan names: split only between two full names.
_SHORT_AND = re.compile(r"(?<=\w)\s+(?:y|e|i|и)\s+(?=\w)")

_PARTICLES = frozenset(
    re.findall(
        r"\w+",
        "de del della di da das do dos du der den des van von vom zu zur la le el al bin ibn ter ten af y e i st",
    )
)
_AGENCIES = frozenset(
    {"reuters", "afp", "ap", "dpa", "ansa", "efe", "pap", "bloomberg", "upi", "tass", "тасс", "新华社"}
)
_NOBODY = frozenset(
    {
        "admin", "administrator", "anonymous", "anonym", "author", "autor", "auteur", "автор", "blog", "contributor",
        "correspondent", "desk", "editor", "editor in chief", "editorial", "editorial board", "editorial staff",
        "editorial team", "editors", "guest", "guest author", "guest contributor", "news desk", "newsdesk", "newsroom",
        "nobody", "none", "null", "online desk", "redakcja", "redaktion", "redaction", "rédaction", "la rédaction",
        "redacción", "redação", "redazione", "redactie", "редакция", "reporter", "root", "staff", "staff reporter",
        "staff writer", "super user", "team", "undefined", "unknown", "user", "web desk", "webmaster", "writer", "编辑",
        "記者", "记者", "佚名", "匿名",
    }
)  # fmt: skip
# A name that is made of such words alone is nobody's: "Editorial Team", "Our Staff Writers", "Marketing Team".
_COLLECTIVE = frozenset(
    {
        "a", "the", "our", "by", "and", "of", "admin", "administrator", "author", "blog", "contributor", "contributors",
        "content", "copy", "desk", "editor", "editorial", "editors", "guest", "lead", "managing", "manager", "marketing",
        "news", "online", "print", "publisher", "reporter", "reporters", "service", "services", "site", "social", "media",
        "special", "staff", "support", "team", "web", "website", "writer", "writers", "executive", "senior", "head", "director",
        "equipo", "redaktion", "redaktionsteam", "redakcja", "redacción", "rédaction", "redazione",
    }
)  # fmt: skip
_OFFICE = re.compile(
    r"\b(?:admin|editors?|(?:director|ceo|president|head|manager|founder|expert|specialist|officer)(?:\s+(?:of|at)\b.*)?)$",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^<>]{0,300}>")
_ADDRESS = re.compile(r"(?:https?:|www\.)\S*|\S*@\S*|\S+\.(?:com|org|net|html?|php)\b\S*", re.IGNORECASE)
# The words of links to an author's page, and of reviewers and updates that follow the author.
_BUTTON = re.compile(
    r"^(?:(?:read more|more|view all posts|see all posts|all posts|view all articles|posts)\s+(?:by|from|about)|author)\b:?\s*"
    r"|\b(?:(?:medically\s+|fact\s+)?(?:reviewed|checked|edited)\s+by|(?:last\s+)?updated)\b.*$",
    re.IGNORECASE,
)
_BESIDE_NAME = re.compile(r"\s+(?:in|on behalf of|for|at)\b.*$|\d+\s*min(?:ute)?s?\b.*$")
_INNER = re.compile(r"\bby\b:?\s*\S.*", re.IGNORECASE)
_PEN_NAME = re.compile(r"[^\W\d_][\w.-]{2,24}")
_TEAM = re.compile(r"(?:the\s+)?(?:[A-Z][\w.&'-]*\s+){1,3}(?:Team|Staff)|Team\s+[A-Z]\w+", re.IGNORECASE)
_DASH = re.compile(r"\s+[-–—]\s+")  # what follows is a role or an employer
# Places of two words that stand beside the date in datelines.
_PLACES = frozenset(
    {
        "new york", "new york city", "los angeles", "san francisco", "san diego", "las vegas", "hong kong", "new delhi",
        "tel aviv", "kuala lumpur", "buenos aires", "são paulo", "mexico city", "cape town", "abu dhabi", "st petersburg",
        "united states", "united kingdom", "south africa", "new zealand", "sri lanka", "washington dc", "saudi arabia",
    }
)  # fmt: skip
# Words of buttons, labels and captions that stand beside the date too, in capitals as names do.
_NO_NAME = frozenset(
    re.findall(
        r"\w+",
        "about accessibility account advertisement article articles avatar bar blog books business by categories category checked comments contact content contents cookie"
        " day details digital download editor editorial email events executive facebook fact family featured features follow"
        " free global guide guides headshot health help home hour hours icon image in insights instagram job join key last"
        " latest learn life linkedin log links login magazine mail main marketing media menu min minute minutes modified month more navigation"
        " news newsletter next on open our page photo photos play podcast points policy popular post posted posts press"
        " previous print privacy product products profile published read released reviews sample save school search"
        " section services share show sign site skip software solutions sponsored sport sports staff start story store"
        " subscribe summary table tags team tech technology the time tips today top topics travel trial trending twitter"
        " updated updates video view views watch website week weekly what why world written year your youtube",
    )
)
_OTHERS = r"\b(?:review|edit|check|verif|photo|image|illustrat|translat)\w*\s+by\b"
_REVIEWED_BY = re.compile(rf"{_OTHERS}.*$", re.IGNORECASE)
_DANGLING = re.compile(r"\s+(?:on|at|in)\s*$", re.IGNORECASE)  # before a date or section that was taken out
_REVIEW = re.compile(rf"{_OTHERS}|\beditor\b", re.IGNORECASE)
_SHORTENED = re.compile(r"\b(?:[JS]r|[A-Z](?:\.[A-Z])+)\.$")
_SLUG = re.compile(r"[a-z]+(?:-[a-z]+)+")  # the name in an address
_LONGEST_LABEL = 40
_LABEL = re.compile(
    r"^(?:(?:written|posted|published|words|story|text|article|authored|created)\s+by|by|authors?|von|par|por|di|door|av|af|autor(?:in|en)?|escrito por"
    r"|écrit par|scritto da|автор|作者)\s*:?$",
    re.IGNORECASE,
)
_LONGEST_BYLINE = 200  # characters
_LONGEST_NAME = 60
_MOST_NAME_WORDS = 6


def parse_byline(line: str) -> tuple[str, ...]:
    """
    Read the names of people from a byline; empty where the line is none.

    Names in capitals are given capital initials, since pages shout them for looks.

        >>> parse_byline("By JANE DOE and John Roe | March 3, 2024")
        ('Jane Doe', 'John Roe')
        >>> parse_byline("Von Anna von Schmidt"), parse_byline("Автор: Иван Петров"), parse_byline("Jane Doe, Staff Writer")
        (('Anna von Schmidt',), ('Иван Петров',), ('Jane Doe',))
        >>> parse_byline("By the numbers"), parse_byline("By Monday, everything had changed"), parse_byline("Di che parla?")
        ((), (), ())
    """
    if len(line) > _LONGEST_BYLINE:
        return ()
    prefix = _PREFIX.match(line)
    if prefix:
        rest = _DAY_OR_MONTH.sub("", _END.sub("", line[prefix.end() :])).strip(" ,;:.\t")
        # What follows the names is a role, a place or half a sentence.
        parts = (_BEHIND_NAME.sub("", part) for part in _split(rest) if not _ROLE.match(part))
        names = tuple(takewhile(_is_printed_name, parts))
        return tuple(map(_plain_case, names))
    named = _NAME_AND_ROLE.match(line)
    if named and _is_printed_name(named["name"].strip()):
        return (_plain_case(named["name"].strip()),)
    return ()


def names_in_head(line: str) -> tuple[str, ...]:
    """
    Read a byline beside a headline, where "by" may stand within the line, and pen names and teams after it.

        >>> names_in_head("| By Jane Doe, 4 Comments"), names_in_head("Posted by riverfan"), names_in_head("By the Example Team")
        (('Jane Doe',), ('riverfan',), ('The Example Team',))
        >>> names_in_head("By the numbers"), names_in_head("Passed by the house")
        ((), ())
    """
    if len(line) > _LONGEST_BYLINE:
        return ()
    line = _DANGLING.sub("", _REVIEWED_BY.sub("", line)).strip(" ,;:.·•|–—-")
    line = _GLUED.sub("By ", line)
    names = parse_byline(line)
    inner = _INNER.search(line)
    if names or inner is None:
        return names
    names = parse_byline(inner[0])
    if names:
        return names
    prefix = _PREFIX.match(line)
    rest = _END.sub("", line[prefix.end() :]).strip(" ,;:.") if prefix else ""
    is_other = rest.casefold() in _NOBODY | _NO_NAME or _ROLE.match(rest) or _DAY_OR_MONTH.match(rest)
    if _PEN_NAME.fullmatch(rest) and not is_other:
        return (rest,)
    if _TEAM.fullmatch(rest) and not _COLLECTIVE.issuperset(rest.casefold().split()):
        return (rest[0].upper() + rest[1:],)
    return ()


def names_after(label: str, line: str) -> tuple[str, ...]:
    """
    Read the names in a line below one that says what it is, such as "Written by".

        >>> names_after("Written by", "Jane Doe"), names_after("Related", "Jane Doe")
        (('Jane Doe',), ())
    """
    if len(label) > _LONGEST_LABEL or not _LABEL.match(label):
        return ()
    return names_in_head(f"By {line}") if not _NO_NAME.issuperset(line.casefold().split()) else ()


def is_name(text: str) -> bool:
    """Tell whether a text is a person's name as it is printed: two to five capitalised words, or a known agency."""
    return _is_printed_name(text) and not _ROLE.match(text)


def name_alone(text: str) -> str | None:
    """
    Read a name that stands beside a date: between marks, before "in" and a section, or before "on behalf of".

        >>> name_alone("• Mahua Quill in Harbours"), name_alone("5 min read")
        ('Mahua Quill', None)
    """
    name = _BESIDE_NAME.sub("", text).strip(" ,;:.·•|–—-")
    words = name.casefold().split()
    is_other = name.casefold() in _PLACES or not _NO_NAME.isdisjoint(words) or len(set(words)) < len(words)
    return name if is_name(name) and 2 <= len(words) <= 3 and not is_other else None


def is_review(line: str) -> bool:
    """Tell whether a line names those who checked an article, not those who wrote it."""
    return bool(_REVIEW.search(line))


def people(values: Iterable[str], *, not_these: Iterable[str | None] = ()) -> tuple[str, ...]:
    """
    Clean the author fields of a page: split joint names, drop addresses, dates, roles and accounts that are nobody.

    `not_these` are names that are known to be no person, such as the site's own.

        >>> people(["By Jane Doe and John Roe, Staff Writer", "admin", "https://example.org/jane", "Jane Doe"])
        ('Jane Doe', 'John Roe')
    """
    refused = _NOBODY | {name.casefold() for name in not_these if name}
    names: dict[str, str] = {}
    for value in values:
        text = " ".join(_ADDRESS.sub(" ", _TAG.sub(" ", unescape(value))).split())
        text = _DASH.split(_BUTTON.sub("", text))[0].strip("\"“”'")
        if len(text) > _LONGEST_BYLINE or text.startswith(",") or _SLUG.fullmatch(text):
            continue  # of a template without a name before its comma, or of an account
        prefix = _PREFIX.match(text)
        for part in _split(text[prefix.end() :] if prefix and not text.islower() else text):
            if part.casefold() not in refused and _is_declared_name(part):
                names.setdefault(part.casefold(), _plain_case(part))
    return tuple(names.values())


def _split(text: str) -> list[str]:
    """Split a list of names at commas and the words for "and"."""
    parts = []
    for part in _BETWEEN.split(text):
        halves = _SHORT_AND.split(part)
        parts.extend(halves if all(len(half.split()) > 1 for half in halves) else [part])
    return [name for part in parts if (name := _trimmed(part))]


def _trimmed(part: str) -> str:
    """Without what joins it to its neighbours; a full stop stays after initials and "Jr."."""
    text = part.strip(" ·•-–—:\t")
    return text.lstrip(" .") if _SHORTENED.search(text) else text.strip(" .·•-–—:\t")


def _is_printed_name(text: str) -> bool:
    """Tell whether words in running text are a person's name: two to five capitalised words, or a known agency."""
    if text.casefold() in _AGENCIES:
        return True
    if re.fullmatch(r"[\u3400-\u9fff·]{2,8}", text):  # Chinese names have no spaces
        return True
    words = text.split()
    if (
        not 2 <= len(words) <= 5
        or len(text) > _LONGEST_NAME
        or not re.fullmatch(r"[\w\s.'’ʼ‘`-]+", text)
        or re.search(r"\d|_", text)
    ):
        return False
    capital = [word[:1].isupper() or word[:2] in {"d'", "d’", "l'", "l’"} for word in words]
    return capital[-1] and all(
        is_capital or word.lower() in _PARTICLES for is_capital, word in zip(capital, words, strict=True)
    )


def _is_declared_name(text: str) -> bool:
    """Tell whether a declared author can be a name; pen names of one word are, addresses, dates and roles are not."""
    return (
        2 <= len(text) <= _LONGEST_NAME
        and len(text.split()) <= _MOST_NAME_WORDS
        and any(char.isalpha() for char in text)
        and sum(char.isdigit() for char in text) * 2 <= len(text)
        and not _ROLE.match(text)
        and not _OFFICE.search(text)
        and not _COLLECTIVE.issuperset(text.casefold().split())
        and not re.search(r"\b(?:19|20)\d\d\b|[{}<>=]", text)
    )


def _plain_case(name: str) -> str:
    """Give a shouted name capital initials; agencies and one-word names keep their letters."""
    if name.isupper() and " " in name and name.casefold() not in _AGENCIES:
        return re.sub(
            r"\w[\w.]*", lambda word: word[0] if "." in word[0] or len(word[0]) == 1 else word[0].capitalize(), name
        )
    return name
