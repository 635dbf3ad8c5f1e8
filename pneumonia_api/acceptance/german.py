"""The texts of a printed acceptance in German, by their English.

Where the page says the same, it says it in the same words: `tests/pneumonia_api/acceptance/
test_document.py` compares them with the pages' catalogue.
"""

FIGURES = {"sensitivity": "Sensitivität", "specificity": "Spezifität"}

REASONS = {
    "The %(figure)s is below %(least)s: %(share)s (%(low)s to %(high)s), %(count)s of %(of)s.": (
        "%(figure)s unter %(least)s: %(share)s (%(low)s bis %(high)s), %(count)s von %(of)s."
    ),
    "The %(figure)s is at least %(least)s: %(share)s (%(low)s to %(high)s), %(count)s of %(of)s.": (
        "%(figure)s mindestens %(least)s: %(share)s (%(low)s bis %(high)s), %(count)s von %(of)s."
    ),
    "The %(figure)s may be below %(least)s: %(share)s (%(low)s to %(high)s), %(count)s of "
    "%(of)s. More films help only if the share rises.": (
        "%(figure)s möglicherweise unter %(least)s: %(share)s (%(low)s bis %(high)s), %(count)s "
        "von %(of)s. Weitere Aufnahmen helfen nur, wenn der Anteil steigt."
    ),
    "The %(figure)s may be below %(least)s: %(share)s (%(low)s to %(high)s), %(count)s of "
    "%(of)s. If the share stays, %(more)s more patients would do.": (
        "%(figure)s möglicherweise unter %(least)s: %(share)s (%(low)s bis %(high)s), %(count)s "
        "von %(of)s. Bleibt der Anteil, genügen %(more)s weitere Patienten."
    ),
    "Patients with pneumonia: %(count)s, of at least %(least)s.": (
        "Patienten mit Pneumonie: %(count)s, nötig sind mindestens %(least)s."
    ),
    "Patients without pneumonia: %(count)s, of at least %(least)s.": (
        "Patienten ohne Pneumonie: %(count)s, nötig sind mindestens %(least)s."
    ),
    "The stopping rule found the %(figure)s below the expected %(expected)s after %(count)s read "
    "films: look why before more are read.": (
        "Die Stoppregel fand nach %(count)s befundeten Aufnahmen: %(figure)s unter den erwarteten "
        "%(expected)s. Suchen Sie die Ursache, bevor weitere befundet werden."
    ),
}
"""Of `acceptance.rule`, with what differs in them."""

GERMAN = {
    "Acceptance of the pneumonia model": "Abnahme des Pneumoniemodells",
    "Model %(model)s, made %(time)s": "Modell %(model)s, erstellt am %(time)s",
    "With the site profile %(profile)s, fitted to %(films)s films by %(by)s": (
        "Mit dem Standortprofil %(profile)s, an %(films)s Aufnahmen angepasst von %(by)s"
    ),
    "Verdict": "Urteil",
    "Holds here": "Gilt hier",
    "Does not hold here": "Gilt hier nicht",
    "Too few to say": "Zu wenige für eine Aussage",
    "Films and plan": "Aufnahmen und Plan",
    "%(judged)s X-rays were judged, and %(labelled)s have a label; %(withheld)s of these have a "
    "result that no page shows and count by age only. The figures are of %(ill)s patients with "
    "pneumonia and %(healthy)s without.": (
        "%(judged)s Röntgenbilder wurden ausgewertet, und bei %(labelled)s ist die Wahrheit "
        "bekannt; %(withheld)s davon haben ein Ergebnis, das keine Seite zeigt, und zählen nur "
        "beim Alter. Die Zahlen sind von %(ill)s Patienten mit Pneumonie und %(healthy)s ohne."
    ),
    "Least sensitivity %(sensitivity)s %%, least specificity %(specificity)s %%, on at least "
    "%(patients)s ill and %(patients)s healthy patients.": (
        "Mindestens %(sensitivity)s %% Sensitivität und %(specificity)s %% Spezifität, bei "
        "mindestens %(patients)s kranken und %(patients)s gesunden Patienten."
    ),
    "The plan was written by %(by)s, %(time)s.": "Den Plan schrieb %(by)s am %(time)s.",
    "No plan was written beforehand.": "Vorher wurde kein Plan geschrieben.",
    "Figures, with 95 per cent intervals by patient": (
        "Kennzahlen, mit 95-Prozent-Intervallen nach Patienten"
    ),
    "Figure": "Kennzahl",
    "Here": "Hier",
    "Model card": "Model Card",
    "Site profile": "Standortprofil",
    "Difference": "Unterschied",
    "Area under the ROC curve": "Fläche unter der ROC-Kurve",
    "Sensitivity": "Sensitivität",
    "Specificity": "Spezifität",
    "Uncertain": "Unklar",
    "none yet": "noch keine",
    "%(value)s (%(low)s to %(high)s)": "%(value)s (%(low)s bis %(high)s)",
    "Calibration, for as many ill as healthy": "Kalibrierung, für gleich viele Kranke und Gesunde",
    "Not known yet: too few films, or a probability that separates them all.": (
        "Noch nicht bekannt: zu wenige Aufnahmen oder eine Wahrscheinlichkeit, die alle trennt."
    ),
    "Slope %(value)s; 1 if right": "Steigung %(value)s; richtig wäre 1",
    "Intercept %(value)s; 0 if right": "Achsenabschnitt %(value)s; richtig wäre 0",
    "Error %(value)s; by chance alone %(chance)s": (
        "Fehler %(value)s; allein durch Zufall %(chance)s"
    ),
    "Stopping rule": "Stoppregel",
    "alarm at read film %(number)s": "Alarm bei befundeter Aufnahme %(number)s",
    "no alarm": "kein Alarm",
    "%(figure)s: %(alarm)s, on %(patients)s patients this quarter": (
        "%(figure)s: %(alarm)s, bei %(patients)s Patienten in diesem Quartal"
    ),
    "Patients still needed, by the width of the interval": (
        "Noch nötige Patienten, nach der Breite des Intervalls"
    ),
    "%(number)s points": "%(number)s Punkte",
    "enough": "genug",
    "By group": "Nach Gruppen",
    "Group": "Gruppe",
    "Films, ill": "Aufnahmen, krank",
    "AUC": "AUC",
    "Age in the file": "Alter in der Datei",
    "View": "Aufnahmerichtung",
    "Machine": "Gerät",
    "Sent by": "Gesendet von",
    "of the model's ages": "im Altersbereich des Modells",
    "younger: result withheld": "jünger: Ergebnis zurückgehalten",
    "older: result withheld": "älter: Ergebnis zurückgehalten",
    "in doubt: result withheld": "zweifelhaft: Ergebnis zurückgehalten",
    "cannot be right": "kann nicht stimmen",
    "not in the file": "nicht in der Datei",
    "a person": "einer Person",
    "a program": "einem Programm",
    "scoring of an archive": "der Auswertung eines Archivs",
    "How to read it": "Wie man das liest",
    "Holds here: the whole interval of sensitivity and that of specificity are at or above the "
    "least, and the stopping rule is silent.": (
        "Gilt hier: Die Intervalle von Sensitivität und Spezifität liegen ganz auf oder über dem "
        "Mindestwert, und die Stoppregel schweigt."
    ),
    "Does not hold: one of the two intervals is wholly below the least.": (
        "Gilt hier nicht: Eines der beiden Intervalle liegt ganz unter dem Mindestwert."
    ),
    "Too few to say: everything else.": "Zu wenige für eine Aussage: alles andere.",
    "A label is a confirmed outcome, else what most readers said who had not seen the result. "
    "Unsure is no label.": (
        "Als Wahrheit gilt die gesicherte Diagnose, sonst, was die meisten Befundenden sagten, die "
        "das Ergebnis nicht gesehen hatten. Unsicher zählt nicht."
    ),
    "If only doubtful cases have an outcome, the figures are of doubtful cases.": (
        "Haben nur zweifelhafte Fälle eine gesicherte Diagnose, so gelten die Zahlen für "
        "zweifelhafte Fälle."
    ),
    "Not a medical device.": "Kein Medizinprodukt.",
}
